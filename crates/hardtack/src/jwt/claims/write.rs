//! Writing a payload.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::table::{
    AnyText, Audience, ClaimType, Freshness, Kind, NAMES, Number, Optional, Session, Text, Time, for_each_claim,
};
use super::{Claims, Fresh};
use crate::clock::{MAX_NUMERIC_DATE, Timestamp};
use crate::jwt::error::ClaimError;
use crate::jwt::json::write::ObjectWriter;

/// The range of times that are accepted when claims are read, in seconds since 1970.
const TIMES: RangeInclusive<i64> = 0..=MAX_NUMERIC_DATE;

impl Claims {
    /// Writes a payload as JSON. The payload contains these claims, in the order that Flask-JWT-Extended uses, followed
    /// by the claims in `extra`.
    ///
    /// # Errors
    /// - [`ClaimError::Reserved`]: `extra` contains a name that [`Claims`] has a field for.
    /// - [`ClaimError::Invalid`]: [`from_json`](Self::from_json) would refuse the value of a claim.
    pub fn to_json(&self, extra: &Map<String, Value>) -> Result<Vec<u8>, ClaimError> {
        if let Some(name) = extra.keys().find(|name| NAMES.contains(&name.as_str())) {
            return Err(ClaimError::Reserved(name.clone()));
        }
        self.check()?;
        // serde_json fails only for maps whose keys are not strings, and the keys of this map are strings.
        self.write(extra).map_err(|_| ClaimError::Invalid("extra"))
    }
}

macro_rules! define_writer {
    ($($name:literal $field:ident: $type:ty,)*) => {
        impl Claims {
            /// Returns an error if a claim has a value that would be refused when the claims are read.
            fn check(&self) -> Result<(), ClaimError> {
                $(if !<$type>::is_valid(&self.$field) {
                    return Err(ClaimError::Invalid($name));
                })*
                Ok(())
            }

            fn write(&self, extra: &Map<String, Value>) -> Result<Vec<u8>, serde_json::Error> {
                let mut json = ObjectWriter::new();
                $(<$type>::write(&self.$field, $name, &mut json)?;)*
                for (name, value) in extra {
                    json.value(name, value)?;
                }
                Ok(json.finish())
            }
        }
    };
}

for_each_claim!(define_writer);

/// How a claim is written.
trait WriteClaim: ClaimType {
    /// Whether the value would be accepted when the claim is read.
    fn is_valid(_: &Self::Value) -> bool {
        true
    }

    fn write(value: &Self::Value, name: &str, json: &mut ObjectWriter) -> Result<(), serde_json::Error>;
}

impl WriteClaim for Freshness {
    fn is_valid(value: &Fresh) -> bool {
        match value {
            Fresh::No | Fresh::Yes => true,
            Fresh::Until(end) => Time::is_valid(end),
        }
    }

    fn write(value: &Fresh, name: &str, json: &mut ObjectWriter) -> Result<(), serde_json::Error> {
        match value {
            Fresh::No => json.literal(name, "false"),
            Fresh::Yes => json.literal(name, "true"),
            Fresh::Until(end) => Time::write(end, name, json)?,
        }
        Ok(())
    }
}

impl WriteClaim for Time {
    fn is_valid(value: &Timestamp) -> bool {
        TIMES.contains(&value.unix_seconds())
    }

    fn write(value: &Timestamp, name: &str, json: &mut ObjectWriter) -> Result<(), serde_json::Error> {
        json.literal(name, itoa::Buffer::new().format(value.unix_seconds()));
        Ok(())
    }
}

impl WriteClaim for Text {
    fn is_valid(value: &String) -> bool {
        !value.is_empty()
    }

    fn write(value: &String, name: &str, json: &mut ObjectWriter) -> Result<(), serde_json::Error> {
        json.string(name, value)
    }
}

impl WriteClaim for AnyText {
    fn write(value: &String, name: &str, json: &mut ObjectWriter) -> Result<(), serde_json::Error> {
        json.string(name, value)
    }
}

impl WriteClaim for Kind {
    fn write(value: &Self::Value, name: &str, json: &mut ObjectWriter) -> Result<(), serde_json::Error> {
        json.string(name, value.as_str())
    }
}

impl WriteClaim for Session {
    fn write(value: &u128, name: &str, json: &mut ObjectWriter) -> Result<(), serde_json::Error> {
        json.hexadecimal(name, *value);
        Ok(())
    }
}

impl WriteClaim for Number {
    fn write(value: &u64, name: &str, json: &mut ObjectWriter) -> Result<(), serde_json::Error> {
        json.literal(name, itoa::Buffer::new().format(*value));
        Ok(())
    }
}

impl WriteClaim for Audience {
    fn write(value: &Vec<String>, name: &str, json: &mut ObjectWriter) -> Result<(), serde_json::Error> {
        match value.as_slice() {
            [] => Ok(()),
            [one] => json.string(name, one),
            several => json.value(name, several),
        }
    }
}

impl<T: WriteClaim> WriteClaim for Optional<T> {
    fn is_valid(value: &Option<T::Value>) -> bool {
        value.as_ref().is_none_or(T::is_valid)
    }

    fn write(value: &Option<T::Value>, name: &str, json: &mut ObjectWriter) -> Result<(), serde_json::Error> {
        value.as_ref().map_or(Ok(()), |value| T::write(value, name, json))
    }
}
