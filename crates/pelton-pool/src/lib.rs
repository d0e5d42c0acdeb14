//! Size-classed buffer pool, typed object pool and a memory budget with pressure levels.

mod block;
mod budget;
mod buffer;
mod buffer_pool;
mod class;
mod depot;
mod level;
mod local;
mod lock;
pub mod memory;
mod object_pool;
mod reservation;
mod stack;
mod stats;
mod subscription;
mod sync;

pub use budget::{Budget, UNLIMITED};
pub use buffer::Buffer;
pub use buffer_pool::{BufferPool, BufferPoolBuilder};
pub use level::Level;
pub use local::Local;
pub use object_pool::{Leased, ObjectPool, ObjectPoolBuilder, ObjectStats};
pub use reservation::{OverBudget, Reservation};
pub use stats::{ClassStats, PoolStats};
pub use subscription::Subscription;
