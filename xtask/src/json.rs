//! As much of a JSON reader as `cargo metadata` needs.

/// One JSON value. Numbers keep their spelling: nothing here counts with them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
}

impl Json {
    /// Reads a whole document.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut reader = Reader {
            bytes: text.as_bytes(),
            at: 0,
        };
        let value = reader.value()?;
        match reader.peek() {
            None => Ok(value),
            Some(_) => Err(reader.fault("the end")),
        }
    }

    /// The member `name`; `Null` when there is none.
    pub(crate) fn at(&self, name: &str) -> &Self {
        const NOTHING: &Json = &Json::Null;
        match self {
            Self::Object(members) => members
                .iter()
                .find(|(key, _)| key == name)
                .map_or(NOTHING, |(_, value)| value),
            _ => NOTHING,
        }
    }

    /// The elements of a list; none of anything else.
    pub(crate) fn list(&self) -> &[Self] {
        match self {
            Self::List(elements) => elements,
            _ => &[],
        }
    }

    /// The text of a string; empty for anything else.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            _ => "",
        }
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    /// In range `0..=bytes.len()`.
    at: usize,
}

impl Reader<'_> {
    fn value(&mut self) -> Result<Json, String> {
        match self.peek() {
            Some(b'{') => self.object(),
            Some(b'[') => self.list(),
            Some(b'"') => self.string().map(Json::Text),
            Some(_) => self.word(),
            None => Err(self.fault("a value")),
        }
    }

    fn object(&mut self) -> Result<Json, String> {
        let mut members = Vec::new();
        self.expect(b'{')?;
        while self.peek() != Some(b'}') {
            let name = self.string()?;
            self.expect(b':')?;
            members.push((name, self.value()?));
            self.comma(b'}')?;
        }
        self.expect(b'}')?;
        Ok(Json::Object(members))
    }

    fn list(&mut self) -> Result<Json, String> {
        let mut elements = Vec::new();
        self.expect(b'[')?;
        while self.peek() != Some(b']') {
            elements.push(self.value()?);
            self.comma(b']')?;
        }
        self.expect(b']')?;
        Ok(Json::List(elements))
    }

    /// Reads a comma, unless the list or object ends here.
    fn comma(&mut self, end: u8) -> Result<(), String> {
        if self.peek() == Some(end) {
            return Ok(());
        }
        self.expect(b',')
    }

    fn string(&mut self) -> Result<String, String> {
        self.expect(b'"')?;
        let mut text = Vec::new();
        loop {
            let byte = *self
                .bytes
                .get(self.at)
                .ok_or_else(|| self.fault("a quote"))?;
            self.at += 1;
            match byte {
                b'"' => return String::from_utf8(text).map_err(|error| error.to_string()),
                b'\\' => self.escape(&mut text)?,
                other => text.push(other),
            }
        }
    }

    fn escape(&mut self, text: &mut Vec<u8>) -> Result<(), String> {
        let byte = *self
            .bytes
            .get(self.at)
            .ok_or_else(|| self.fault("an escape"))?;
        self.at += 1;
        match byte {
            b'n' => text.push(b'\n'),
            b't' => text.push(b'\t'),
            b'r' => text.push(b'\r'),
            // Cargo escapes control characters only: no surrogate pair ever comes.
            b'u' => {
                let digits = self.bytes.get(self.at..self.at + 4).unwrap_or_default();
                let digits = String::from_utf8_lossy(digits);
                let code = u32::from_str_radix(&digits, 16).map_err(|_| self.fault("a code"))?;
                let found = char::from_u32(code).ok_or_else(|| self.fault("a character"))?;
                text.extend(found.to_string().bytes());
                self.at += 4;
            }
            other => text.push(other),
        }
        Ok(())
    }

    fn word(&mut self) -> Result<Json, String> {
        let rest = &self.bytes[self.at..];
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
        let length = rest.iter().take_while(|byte| plain(byte)).count();
        let word = String::from_utf8_lossy(&rest[..length]).into_owned();
        let value = match word.as_str() {
            "" => return Err(self.fault("a value")),
            "null" => Json::Null,
            "true" => Json::Bool(true),
            "false" => Json::Bool(false),
            _ => Json::Number(word),
        };
        self.at += length;
        Ok(value)
    }

    fn expect(&mut self, byte: u8) -> Result<(), String> {
        if self.peek() != Some(byte) {
            return Err(self.fault(&format!("`{}`", char::from(byte))));
        }
        self.at += 1;
        Ok(())
    }

    /// The next byte that is not space.
    fn peek(&mut self) -> Option<u8> {
        while self.bytes.get(self.at)?.is_ascii_whitespace() {
            self.at += 1;
        }
        Some(self.bytes[self.at])
    }

    fn fault(&self, expected: &str) -> String {
        format!("byte {}: expected {expected}", self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_by_name() {
        let json = Json::parse(r#"{"a": [1, "two\n\u00e9", true, null], "b": {}}"#).unwrap();
        assert_eq!(json.at("a").list().len(), 4);
        assert_eq!(json.at("a").list()[1].text(), "two\né");
        assert_eq!(json.at("b"), &Json::Object(Vec::new()));
        assert_eq!(json.at("c"), &Json::Null);
    }

    #[test]
    fn broken_documents_are_refused_at_their_byte() {
        for (text, fault) in [
            ("{\"a\" 1}", "byte 5: expected `:`"),
            ("[1", "byte 2: expected `,`"),
            ("1 2", "byte 2: expected the end"),
            ("\"a", "byte 2: expected a quote"),
        ] {
            assert_eq!(Json::parse(text).unwrap_err(), fault);
        }
    }
}
