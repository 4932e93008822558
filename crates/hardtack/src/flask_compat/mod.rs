//! Configuration through Flask-JWT-Extended's options.

mod jwt_options;

pub use jwt_options::JwtOptions;
