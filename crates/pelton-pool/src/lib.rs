//! Size-classed buffer pool, typed object pool and a memory budget with pressure levels.
