/// Whatever goes wrong with the run itself.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;
