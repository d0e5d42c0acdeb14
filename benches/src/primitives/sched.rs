//! Spawning, splitting and waking. Every scheduler has as many workers as there are cores.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use pelton_sched::{Priority, Scheduler};

use crate::benchmark::{Benchmark, Goal, Sample};

/// A byte for each task, which the task sets: tells afterwards that each ran, and shares no line
/// that everybody fights for.
type Marks = Arc<Vec<AtomicU8>>;

/// What a task of the uneven loop takes at the end of the range; at its beginning, nothing.
const LONGEST: Duration = Duration::from_micros(20);

pub(super) fn benchmarks() -> Vec<Benchmark> {
    vec![spawns(), loops(), tasks(), skewed(), idle()]
}

fn spawns() -> Benchmark {
    let model = "spawn an empty task in a scope, until all have ended";
    let goal = Goal::Nanoseconds(60.0);
    let all = Benchmark::new("primitives/sched/spawn", model, 200_000, goal);
    let all = all.ours("pelton-sched", in_scope(mark));
    #[cfg(feature = "peers")]
    let all = all
        .peer("rayon", peers::in_scope(mark))
        .peer("threadpool", peers::in_threadpool())
        .peer("tokio", peers::in_tokio())
        .peer("async-executor", peers::in_async_executor());
    all
}

fn tasks() -> Benchmark {
    let model = "tasks of a microsecond in a scope, on all cores";
    let goal = Goal::Nanoseconds(1040.0 / cores() as f64);
    let all = Benchmark::new("primitives/sched/microsecond", model, 20_000, goal);
    let all = all.ours("pelton-sched", in_scope(spin_and_mark));
    #[cfg(feature = "peers")]
    let all = all.peer("rayon", peers::in_scope(spin_and_mark));
    all
}

fn loops() -> Benchmark {
    let model = "a parallel loop over an almost empty body, per index";
    let goal = Goal::Peer("rayon", 1.0);
    let all = Benchmark::new("primitives/sched/loop", model, 10_000_000, goal);
    let scheduler = scheduler();
    let all = all.ours("pelton-sched", move |items| {
        let marks = marks(items);
        let began = Instant::now();
        scheduler.parallel_for(0..items as usize, |index| mark(&marks, index));
        Sample::new(began.elapsed(), marked(&marks))
    });
    #[cfg(feature = "peers")]
    let all = all
        .peer("rayon", peers::in_loop(mark))
        .peer("chili", peers::in_chili);
    all
}

fn skewed() -> Benchmark {
    let model = "a parallel loop whose last indices take longest, per index";
    let goal = Goal::Peer("rayon", 0.82);
    let all = Benchmark::new("primitives/sched/skewed", model, 2000, goal);
    let scheduler = scheduler();
    let all = all.ours("pelton-sched", move |items| {
        let marks = marks(items);
        let began = Instant::now();
        scheduler.parallel_for(0..items as usize, |index| spin_by_index(&marks, index));
        Sample::new(began.elapsed(), marked(&marks))
    });
    #[cfg(feature = "peers")]
    let all = all.peer("rayon", peers::in_loop(spin_by_index));
    all
}

fn idle() -> Benchmark {
    let model = "from outside into an idle pool until the task starts, median";
    let goal = Goal::Nanoseconds(20_000.0);
    let all = Benchmark::new("primitives/sched/idle-start", model, 500, goal);
    let scheduler = scheduler();
    let all = all.ours("pelton-sched", move |items| {
        starts(items, |task| {
            let spawned = scheduler.spawn(Priority::Normal, task);
            assert!(spawned.is_ok(), "the scheduler is open");
        })
    });
    #[cfg(feature = "peers")]
    let all = all
        .peer("rayon", |items| starts(items, rayon::spawn))
        .peer("threadpool", peers::threadpool_starts())
        .peer("tokio", peers::tokio_starts());
    all
}

fn in_scope(body: fn(&Marks, usize)) -> impl Fn(u64) -> Sample {
    let scheduler = scheduler();
    move |items| {
        let marks = marks(items);
        let began = Instant::now();
        scheduler.scope(|scope| {
            for index in 0..items as usize {
                let marks = &marks;
                scope.spawn(move || body(marks, index));
            }
        });
        Sample::new(began.elapsed(), marked(&marks))
    }
}

fn scheduler() -> Scheduler {
    Scheduler::builder()
        .workers(cores())
        .build()
        .expect("threads can be started")
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

fn marks(items: u64) -> Marks {
    Arc::new((0..items).map(|_| AtomicU8::new(0)).collect())
}

fn marked(marks: &Marks) -> u64 {
    marks
        .iter()
        .map(|mark| u64::from(mark.load(Ordering::Relaxed)))
        .sum()
}

fn mark(marks: &Marks, index: usize) {
    marks[index].store(1, Ordering::Relaxed);
}

fn spin_and_mark(marks: &Marks, index: usize) {
    spin(Duration::from_micros(1));
    mark(marks, index);
}

/// The square of the position: half of the work is in the last fifth.
fn spin_by_index(marks: &Marks, index: usize) {
    let position = index as f64 / marks.len() as f64;
    spin(LONGEST.mul_f64(position * position));
    mark(marks, index);
}

fn spin(time: Duration) {
    let began = Instant::now();
    while began.elapsed() < time {}
}

/// Submits one task at a time to a pool that has come to rest, and takes the median of the times
/// from submission to start. The submitter keeps its core busy meanwhile.
fn starts(items: u64, submit: impl Fn(Box<dyn FnOnce() + Send>)) -> Sample {
    let (sender, receiver) = std::sync::mpsc::channel();
    let mut times = Vec::new();
    for _ in 0..items {
        spin(Duration::from_micros(300));
        let (sender, began) = (sender.clone(), Instant::now());
        submit(Box::new(move || {
            // The receiver outlives the loop.
            let _ = sender.send(began.elapsed());
        }));
        times.extend(receiver.recv());
    }
    times.sort();
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    Sample::new(median * items as u32, times.len() as u64)
}

/// The schedulers that a smoke run leaves out.
#[cfg(feature = "peers")]
mod peers {
    use std::time::Instant;

    use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

    use super::{Marks, cores, mark, marked, marks, starts};
    use crate::benchmark::Sample;

    pub(super) fn in_scope(body: fn(&Marks, usize)) -> impl Fn(u64) -> Sample {
        move |items| {
            let marks = marks(items);
            let began = Instant::now();
            rayon::scope(|scope| {
                for index in 0..items as usize {
                    let marks = &marks;
                    scope.spawn(move |_| body(marks, index));
                }
            });
            Sample::new(began.elapsed(), marked(&marks))
        }
    }

    pub(super) fn in_loop(body: fn(&Marks, usize)) -> impl Fn(u64) -> Sample {
        move |items| {
            let marks = marks(items);
            let began = Instant::now();
            (0..items as usize)
                .into_par_iter()
                .for_each(|index| body(&marks, index));
            Sample::new(began.elapsed(), marked(&marks))
        }
    }

    pub(super) fn in_chili(items: u64) -> Sample {
        let marks = marks(items);
        let began = Instant::now();
        halves(&mut chili::Scope::global(), &marks, 0..items as usize);
        Sample::new(began.elapsed(), marked(&marks))
    }

    /// chili knows only joins: a loop is halves of halves, down to a few indices.
    fn halves(scope: &mut chili::Scope<'_>, marks: &Marks, range: std::ops::Range<usize>) {
        if range.len() <= 64 {
            return range.for_each(|index| mark(marks, index));
        }
        let middle = range.start + range.len() / 2;
        scope.join(
            |scope| halves(scope, marks, range.start..middle),
            |scope| halves(scope, marks, middle..range.end),
        );
    }

    pub(super) fn in_threadpool() -> impl Fn(u64) -> Sample {
        let pool = threadpool::ThreadPool::new(cores());
        move |items| {
            let marks = marks(items);
            let began = Instant::now();
            for index in 0..items as usize {
                let marks = marks.clone();
                pool.execute(move || mark(&marks, index));
            }
            pool.join();
            Sample::new(began.elapsed(), marked(&marks))
        }
    }

    fn runtime() -> tokio::runtime::Runtime {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder
            .worker_threads(cores())
            .build()
            .expect("threads can be started")
    }

    pub(super) fn in_tokio() -> impl Fn(u64) -> Sample {
        let runtime = runtime();
        move |items| {
            let marks = marks(items);
            let all = marks.clone();
            let began = Instant::now();
            runtime.block_on(async {
                // From a worker, as the scopes spawn: from outside every task would be injected.
                let spawner = tokio::spawn(async move {
                    let task = |index| {
                        let marks = all.clone();
                        tokio::spawn(async move { mark(&marks, index) })
                    };
                    let handles: Vec<_> = (0..items as usize).map(task).collect();
                    for handle in handles {
                        handle.await.expect("marking does not panic");
                    }
                });
                spawner.await.expect("spawning does not panic");
            });
            Sample::new(began.elapsed(), marked(&marks))
        }
    }

    pub(super) fn in_async_executor() -> impl Fn(u64) -> Sample {
        |items| {
            let marks = marks(items);
            let executor = async_executor::Executor::new();
            let (stop, stopped) = tokio::sync::watch::channel(());
            let began = Instant::now();
            std::thread::scope(|scope| {
                for _ in 1..cores() {
                    let (mut stopped, executor) = (stopped.clone(), &executor);
                    scope.spawn(move || {
                        // Ends when the sender is dropped.
                        let _ = futures_lite::future::block_on(executor.run(stopped.changed()));
                    });
                }
                let task = |index| {
                    let marks = marks.clone();
                    executor.spawn(async move { mark(&marks, index) })
                };
                let tasks: Vec<_> = (0..items as usize).map(task).collect();
                let all = async {
                    for task in tasks {
                        task.await;
                    }
                };
                futures_lite::future::block_on(executor.run(all));
                drop(stop);
            });
            Sample::new(began.elapsed(), marked(&marks))
        }
    }

    pub(super) fn threadpool_starts() -> impl Fn(u64) -> Sample {
        let pool = threadpool::ThreadPool::new(cores());
        move |items| starts(items, |task| pool.execute(task))
    }

    pub(super) fn tokio_starts() -> impl Fn(u64) -> Sample {
        let runtime = runtime();
        move |items| {
            starts(items, |task| {
                runtime.spawn(async move { task() });
            })
        }
    }
}
