//! A request as Flyte's control plane writes it, written anew here so that nothing of ours judges itself.

const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz123456";

/// One secret; what is empty is left out.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) group: &'a str,
    pub(crate) key: &'a str,
    /// `ENV_VAR` or `FILE`; empty for ANY.
    pub(crate) mount: &'a str,
    pub(crate) env_var: &'a str,
}

impl Asked<'_> {
    /// The value of its annotation.
    pub(crate) fn encoded(&self) -> String {
        let quoted = |name: &str, value: &str| match value {
            "" => String::new(),
            _ => format!("{name}: \"{value}\"\n"),
        };
        let mount = match self.mount {
            "" => String::new(),
            mount => format!("mount_requirement: {mount}\n"),
        };
        let text = quoted("group", self.group) + &quoted("key", self.key) + &mount + &quoted("env_var", self.env_var);
        base32(text.as_bytes())
    }
}

fn base32(bytes: &[u8]) -> String {
    let mut text = String::new();
    let (mut buffer, mut bits) = (0u32, 0);
    for byte in bytes {
        buffer = (buffer << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(letter(buffer >> bits));
        }
        buffer &= (1 << bits) - 1;
    }
    if bits > 0 {
        text.push(letter(buffer << (5 - bits)));
    }
    text
}

fn letter(value: u32) -> char {
    ALPHABET[(value & 31) as usize].into()
}

#[cfg(test)]
mod tests {
    use super::Asked;

    #[test]
    fn it_is_written_as_flyte_writes_it() {
        let asked = Asked { group: "user-info", key: "user_secret", ..Asked::default() };
        assert_eq!(asked.encoded(), "m4zg54lqhiqce4ltmvzc11lomzxsectlmv3tuibcovzwk3s6onswg3tfoqrau");
        let file = Asked { mount: "FILE", env_var: "MY_TOKEN_PATH", ..asked };
        assert!(file.encoded().ends_with("emskmiufgk2twl42gc3r1eare1wk6krhuwrkol4iecvcieifa"), "{}", file.encoded());
    }
}
