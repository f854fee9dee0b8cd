//! Amounts of resources in Kubernetes' notation: `200m`, `1`, `0.5`, `500Mi`, `1e3`.

/// The amount in its base unit, as exact as is needed to compare two; `None` where Kubernetes would refuse the text.
pub(super) fn amount(text: &str) -> Option<f64> {
    let digits = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let (number, suffix) = text.split_at(digits);
    if !number.contains(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let number: f64 = number.parse().ok()?;
    let scale = match suffix {
        "" => 1.0,
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024.0,
        "Mi" => 1024_f64.powi(2),
        "Gi" => 1024_f64.powi(3),
        "Ti" => 1024_f64.powi(4),
        "Pi" => 1024_f64.powi(5),
        "Ei" => 1024_f64.powi(6),
        _ => 10_f64.powi(suffix.strip_prefix(['e', 'E'])?.parse().ok()?),
    };
    Some(number * scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_those_of_kubernetes() {
        for (text, base) in [
            ("1", 1.0),
            ("0.5", 0.5),
            (".5", 0.5),
            ("5.", 5.0),
            ("200m", 0.2),
            ("500Mi", 500.0 * 1024.0 * 1024.0),
            ("1k", 1000.0),
            ("1e3", 1000.0),
            ("1E-3", 0.001),
            ("1E", 1e18),
        ] {
            assert!(amount(text).is_some_and(|found| (found - base).abs() <= base * 1e-9), "{text}");
        }
        for text in ["", ".", "Mi", "1 Gi", "1gi", "1Mb", "-1", "1.2.3", "1e", "$(x)", "NaN", "inf"] {
            assert_eq!(amount(text), None, "{text}");
        }
    }
}
