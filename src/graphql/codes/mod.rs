//! The closed sets of the API, mapped from the stored ones one by one, and their labels in German and English.

mod cases;
mod goods;
mod money;
mod people;

pub use cases::*;
pub use goods::*;
pub use money::*;
pub use people::*;
