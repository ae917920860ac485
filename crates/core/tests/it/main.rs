//! The integration tests of core, in one binary. `house` guards the shape of the whole repository: it lives here because
//! every arrow ends at core, and core's tests build in seconds. `documents` guards what is written about it.

mod documents;
mod house;
