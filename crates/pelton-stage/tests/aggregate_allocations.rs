//! Once all groups are known, folding allocates nothing. Counted by an allocator that counts for
//! each thread.

mod fold;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use pelton_pool::Budget;
use pelton_record::{Batch, DataType};
use pelton_stage::{Aggregate, Call, Fold, Function, Sort, SortKey};

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call goes to the system's allocator as it came; counting touches only a
// thread-local cell without a destructor, which allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, memory: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promise is the system's.
        unsafe { System.alloc(memory) }
    }

    unsafe fn dealloc(&self, place: *mut u8, memory: Layout) {
        // SAFETY: `place` came from `alloc` above, hence from the system.
        unsafe { System.dealloc(place, memory) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The column whose values no word holds.
const TEXT: usize = 4;

/// Allocations while `fold` takes in rows that it has seen before.
fn allocations(fold: &dyn Fold) -> usize {
    let rows = fold::many_rows(50);
    let mut batches: Vec<Batch> = (0..20)
        .map(|n| fold::batch(&fold::schema(), &rows, n, 0))
        .collect();
    let mut state = fold.state(&Budget::unlimited());
    for batch in &mut batches[..10] {
        state.fold(batch).expect("there is memory");
    }
    let before = ALLOCATIONS.get();
    for batch in &mut batches[10..] {
        state.fold(batch).expect("there is memory");
    }
    ALLOCATIONS.get() - before
}

#[test]
fn known_groups_cost_nothing() {
    let functions = [
        Function::Count,
        Function::Sum,
        Function::Min,
        Function::Max,
        Function::First,
        Function::VarSamp,
        Function::ApproxQuantile(0.5),
        Function::ApproxCountDistinct,
        Function::BoolOr,
    ];
    let schema = fold::schema();
    let (mut calls, mut distinct) = (vec![Call::count_rows("rows")], Vec::new());
    for (argument, field) in schema.fields().iter().enumerate() {
        for function in functions {
            if function.output(Some(field.data_type)).is_ok() {
                let name = format!("{function}({})", field.name);
                calls.push(Call::new(function, argument, &*name));
                if field.data_type == DataType::Int64 {
                    distinct
                        .push(Call::new(function, argument, format!("distinct {name}")).distinct());
                }
            }
        }
    }
    let costs = |by: Vec<usize>, calls: &[Call]| {
        allocations(&Aggregate::new(by, calls.to_vec(), &schema).expect("it fits"))
    };
    for by in [vec![], vec![1], vec![TEXT], vec![0, 5, 1]] {
        assert_eq!(costs(by, &calls), 0);
    }
    // Different values are written down with their groups before they are looked up, each time
    // when a key is as long as the text's, so that those of one part may need another chunk.
    for by in [vec![], vec![1], vec![0, 5, 1]] {
        assert_eq!(costs(by, &distinct), 0);
    }
}

#[test]
fn rows_past_the_limit_cost_nothing() {
    let sort = Sort::new(vec![SortKey::ascending(6)], &fold::schema()).expect("it fits");
    assert_eq!(allocations(&sort.limit(10)), 0);
}
