//! What the escapes in a literal stand for. The rules are not C's: `\0` needs three digits.

/// The bytes of a literal's inside that holds at least one backslash; the error says which escape is wrong.
pub(super) fn unescape(body: &[u8]) -> Result<Vec<u8>, String> {
    // As in Go, only literals with an escape must be UTF-8 as they stand.
    if std::str::from_utf8(body).is_err() {
        return Err("proto: bad UTF-8".to_owned());
    }
    let mut bytes = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        rest = escape(rest, &mut bytes)?;
    }
    Ok(bytes)
}

/// Reads one escape after its backslash and returns what follows it.
fn escape<'a>(rest: &'a [u8], bytes: &mut Vec<u8>) -> Result<&'a [u8], String> {
    let Some((&kind, tail)) = rest.split_first() else { return Err("unfinished escape".to_owned()) };
    let plain = match kind {
        b'a' => 0x07,
        b'b' => 0x08,
        b'f' => 0x0c,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 0x0b,
        b'?' | b'\'' | b'"' | b'\\' => kind,
        b'0'..=b'7' => return octal(kind, tail, bytes),
        b'x' | b'X' => return hex(kind, 2, tail, bytes),
        b'u' => return hex(kind, 4, tail, bytes),
        b'U' => return hex(kind, 8, tail, bytes),
        _ => {
            let unknown = String::from_utf8_lossy(rest).chars().next().unwrap_or(char::REPLACEMENT_CHARACTER);
            return Err(format!("unknown escape \\{unknown}"));
        }
    };
    bytes.push(plain);
    Ok(tail)
}

fn octal<'a>(first: u8, tail: &'a [u8], bytes: &mut Vec<u8>) -> Result<&'a [u8], String> {
    let first = char::from(first);
    let Some((digits, tail)) = tail.split_at_checked(2) else {
        return Err(format!("\\{first} requires 2 following digits"));
    };
    // `first` is an octal digit, so a sign can't get in.
    let number = format!("{first}{}", String::from_utf8_lossy(digits));
    match u8::from_str_radix(&number, 8) {
        Ok(byte) => bytes.push(byte),
        Err(_) => return Err(format!("\\{number} contains non-octal digits")),
    }
    Ok(tail)
}

fn hex<'a>(kind: u8, count: usize, tail: &'a [u8], bytes: &mut Vec<u8>) -> Result<&'a [u8], String> {
    let kind = char::from(kind);
    let Some((digits, tail)) = tail.split_at_checked(count) else {
        return Err(format!("\\{kind} requires {count} following digits"));
    };
    let mut number = 0;
    for digit in digits {
        let Some(digit) = char::from(*digit).to_digit(16) else {
            return Err(format!("\\{kind}{} contains non-hexadecimal digits", String::from_utf8_lossy(digits)));
        };
        number = number << 4 | digit;
    }
    if let (2, Ok(byte)) = (count, u8::try_from(number)) {
        bytes.push(byte);
        return Ok(tail);
    }
    if number > u32::from(char::MAX) {
        return Err(format!("\\{kind}{} is not a valid Unicode code point", String::from_utf8_lossy(digits)));
    }
    // Each half of a surrogate pair is no character and becomes U+FFFD.
    let c = char::from_u32(number).unwrap_or(char::REPLACEMENT_CHARACTER);
    bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    Ok(tail)
}
