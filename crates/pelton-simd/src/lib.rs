//! SIMD kernels on slices: structural scan, case, trim, numbers, reductions, with scalar twins.
