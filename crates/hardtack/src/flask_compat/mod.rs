//! Configuration with the options of Flask-JWT-Extended.

mod jwt_options;

pub use jwt_options::JwtOptions;
