//! What the stores promise: values byte for byte or a refusal, and nothing half done.

mod deliver;
mod env_file;
mod fetch;
mod globals;
mod local_store;
mod planned;
