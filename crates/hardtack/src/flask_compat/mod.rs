//! Configuration by the option names of Flask-JWT-Extended.

mod jwt_options;

pub use jwt_options::JwtOptions;
