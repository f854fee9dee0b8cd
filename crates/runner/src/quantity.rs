//! Amounts of resources (`500m`, `2Gi`), for the env vars and files that show a container its own limits.

use std::num::NonZero;

use crate::spec::Resources;

const NANO: i128 = 1_000_000_000;
const MILLI: i128 = 1_000_000;

/// An amount in billionths, as fine as Kubernetes has them.
fn parse(text: &str) -> Option<i128> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.len() + fraction.len() == 0 || whole.len() > 18 || fraction.len() > 18 || fraction.contains('.') {
        return None;
    }
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    let scale = 10_i128.pow(u32::try_from(fraction.len()).ok()?);
    let (times, per) = unit(suffix)?;
    let billionths = ceil(digits.checked_mul(times)?.checked_mul(NANO)?, scale.checked_mul(per)?);
    Some(if negative { -billionths } else { billionths })
}

/// A suffix as a factor and a divisor.
fn unit(suffix: &str) -> Option<(i128, i128)> {
    const DECIMAL: [&str; 7] = ["", "k", "M", "G", "T", "P", "E"];
    const BINARY: [&str; 7] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    const SMALL: [&str; 4] = ["", "m", "u", "n"];
    let power =
        |list: &[&str]| list.iter().position(|&name| name == suffix).and_then(|index| u32::try_from(index).ok());
    if let Some(index) = power(&DECIMAL) {
        return Some((1000_i128.pow(index), 1));
    }
    if let Some(index) = power(&BINARY) {
        return Some((1024_i128.pow(index), 1));
    }
    if let Some(index) = power(&SMALL) {
        return Some((1, 1000_i128.pow(index)));
    }
    let exponent: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
    match exponent {
        0..=18 => Some((10_i128.pow(exponent.unsigned_abs()), 1)),
        -9..=-1 => Some((1, 10_i128.pow(exponent.unsigned_abs()))),
        _ => None,
    }
}

/// Division that rounds away from the fraction, upwards.
fn ceil(amount: i128, by: i128) -> i128 {
    amount.div_euclid(by) + i128::from(amount.rem_euclid(by) != 0)
}

/// What a `resourceFieldRef` gives.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Amount {
    /// What the container states.
    Stated(String),
    /// It states nothing: what this machine has, where that can be said.
    Guessed(String),
}

/// The value of `resource` (`limits.cpu`) in units of `divisor`.
pub(crate) fn value(
    resources: &Resources,
    resource: &str,
    divisor: Option<&serde_json::Value>,
) -> Result<Amount, &'static str> {
    let (is_limit, name) = match resource.split_once('.') {
        Some(("limits", name)) => (true, name),
        Some(("requests", name)) => (false, name),
        _ => return Err("which is no resource of a container"),
    };
    if !matches!(name, "cpu" | "memory" | "ephemeral-storage") && !name.starts_with("hugepages-") {
        return Err("which is no resource of a container");
    }
    // Cpu is counted in thousandths, everything else in whole units.
    let unit = if name == "cpu" { MILLI } else { NANO };
    let divisor = match divisor {
        Some(divisor) => amount(divisor).ok_or("with a divisor that is no amount")?,
        None => 0,
    };
    let divisor = if divisor == 0 { NANO } else { divisor };
    let show = |billionths: i128| ceil(ceil(billionths, unit), ceil(divisor, unit)).to_string();

    // The API server fills in requests from limits.
    let lists: &[_] = if is_limit { &[&resources.limits] } else { &[&resources.requests, &resources.limits] };
    match lists.iter().find_map(|list| list.get(name)) {
        Some(stated) => {
            Ok(Amount::Stated(show(amount(stated).ok_or("which is stated with something that is no amount")?)))
        }
        None if is_limit => Ok(Amount::Guessed(show(of_this_machine(name)))),
        None => Ok(Amount::Guessed("0".into())),
    }
}

/// A quantity in JSON is text or a number; negative ones mean nothing here.
fn amount(json: &serde_json::Value) -> Option<i128> {
    let parsed = match json {
        serde_json::Value::String(text) => parse(text),
        serde_json::Value::Number(number) => parse(&number.to_string()),
        _ => None,
    };
    parsed.filter(|&billionths| billionths >= 0)
}

/// What a container without a limit may use, which in a cluster is what its node has; 0 where that is not easily known.
fn of_this_machine(name: &str) -> i128 {
    match name {
        "cpu" => {
            std::thread::available_parallelism().map_or(0, NonZero::get).try_into().map_or(0, |cpus: i128| cpus * NANO)
        }
        "memory" => std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| memory(&text)).unwrap_or(0),
        _ => 0,
    }
}

/// The total in Linux's `/proc/meminfo`, in billionths of a byte.
fn memory(meminfo: &str) -> Option<i128> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kilobytes: i128 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024 * NANO)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn amounts() {
        for (text, wanted) in [
            ("1", NANO),
            ("+0.5", NANO / 2),
            ("500m", NANO / 2),
            ("1.5Ki", 1536 * NANO),
            ("2Gi", (2 * NANO) << 30),
            ("1e3", 1000 * NANO),
            ("1E-3", MILLI),
            ("1E", NANO * 1_000_000_000_000_000_000),
            ("1n", 1),
            ("0.0000000001", 1),
            (".5", NANO / 2),
            ("-1", -NANO),
        ] {
            assert_eq!(parse(text), Some(wanted), "{text}");
        }
        for bad in ["", "m", "1x", "1.2.3", "1ee3", "1e99", "1 Gi", "--1", "9999999999999999999"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn of_a_container() {
        let resources: Resources = serde_json::from_value(json!({
            "limits": {"cpu": "1500m", "memory": "1Gi", "hugepages-2Mi": "4Mi"}, "requests": {"cpu": 1}
        }))
        .unwrap();
        let get = |resource, divisor: Option<serde_json::Value>| value(&resources, resource, divisor.as_ref());
        let stated = |text: &str| Ok(Amount::Stated(text.into()));
        assert_eq!(get("limits.cpu", None), stated("2"));
        assert_eq!(get("limits.cpu", Some(json!("1m"))), stated("1500"));
        assert_eq!(get("limits.cpu", Some(json!(0))), stated("2"));
        assert_eq!(get("requests.cpu", None), stated("1"));
        assert_eq!(get("requests.memory", Some(json!("1Mi"))), stated("1024"));
        assert_eq!(get("limits.hugepages-2Mi", None), stated("4194304"));
        assert_eq!(get("requests.ephemeral-storage", None), Ok(Amount::Guessed("0".into())));
        assert!(matches!(get("limits.ephemeral-storage", None), Ok(Amount::Guessed(_))));
        assert!(get("limits.gpu", None).is_err() && get("cpu", None).is_err());
        assert!(get("limits.cpu", Some(json!("x"))).is_err());
        let none = Resources::default();
        let Ok(Amount::Guessed(cpus)) = value(&none, "limits.cpu", None) else { panic!() };
        assert_ne!(cpus, "0");
    }

    #[test]
    fn meminfo() {
        assert_eq!(memory("MemTotal:        2048 kB\nMemFree: 1 kB\n"), Some(2048 * 1024 * NANO));
        assert_eq!(memory(""), None);
    }
}
