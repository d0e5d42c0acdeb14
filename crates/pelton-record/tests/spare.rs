//! Memory that waits for the next column: bounded, and of this thread alone.

use pelton_record::{Column, spare};

/// How many of `count` vectors of so many bytes a thread of its own kept.
fn kept(count: usize, bytes: usize) -> usize {
    let work = move || {
        let given: Vec<Vec<u8>> = (0..count).map(|_| Vec::with_capacity(bytes)).collect();
        let places: Vec<*const u8> = given.iter().map(|it| it.as_ptr()).collect();
        // Others of the size are alive meanwhile, so that the allocator has no reason to give
        // the same places again.
        given.into_iter().for_each(spare::give);
        let others: Vec<Vec<u8>> = (0..count).map(|_| Vec::with_capacity(bytes)).collect();
        let taken: Vec<Vec<u8>> = (0..count).map(|_| spare::take(bytes)).collect();
        drop(others);
        taken
            .iter()
            .filter(|it| places.contains(&it.as_ptr()))
            .count()
    };
    std::thread::spawn(work).join().expect("counted")
}

#[test]
fn a_thread_keeps_32_of_a_type() {
    assert_eq!(kept(20, 4096), 20);
    assert_eq!(kept(50, 4096), 32);
}

#[test]
fn they_are_of_8_mib_together_and_none_of_more_than_2() {
    assert_eq!(kept(20, 1 << 20), 8);
    assert_eq!(kept(4, 2 << 20), 4);
    assert_eq!(kept(4, (2 << 20) + 1), 0);
}

#[test]
fn what_is_too_small_is_not_kept() {
    assert_eq!(kept(4, 63), 0);
    assert_eq!(kept(4, 64), 4);
}

#[test]
fn one_that_is_large_enough_is_taken_and_no_other() {
    let given = Vec::<i64>::with_capacity(1000);
    let place = given.as_ptr();
    spare::give(given);
    let (larger, smaller) = (spare::take::<i64>(1001), spare::take::<i64>(900));
    assert_ne!(larger.as_ptr(), place);
    assert_eq!(smaller.as_ptr(), place);
}

#[test]
fn a_column_takes_up_the_memory_of_the_one_before() {
    let first = Column::int64(0..500).take(&[7; 300]);
    let place = |column: &Column| match column.values() {
        pelton_record::Values::Int64(values) => values.as_ptr(),
        other => panic!("{other:?}"),
    };
    let before = place(&first);
    drop(first);
    let second = Column::int64(0..10).take(&[3; 280]);
    assert_eq!(place(&second), before);
    assert!((0..280).all(|row| second.value(row) == pelton_record::Value::Int64(3)));
}
