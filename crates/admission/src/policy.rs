//! Who may have what: rules in order, the first that matches decides.
//!
//! After the configured rules stand the default ones, which have names too, so that `explain` can show which rule decided.

use crate::manager::Manager;
use secret::Secret;
use std::borrow::Cow;

/// The configured rules, then the default ones.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    rules: Vec<Rule>,
}

/// One rule. An empty list matches everything; patterns may hold `*` (any run of characters) and `?` (any one).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name in messages.
    pub name: String,
    /// Whether it allows or denies.
    pub allows: bool,
    /// Managers.
    pub managers: Vec<Manager>,
    /// Patterns of the pod's namespace.
    pub namespaces: Vec<String>,
    /// Patterns of the pod's service account.
    pub service_accounts: Vec<String>,
    /// Patterns of the secret's group.
    pub groups: Vec<String>,
    /// Patterns of the secret's key.
    pub keys: Vec<String>,
}

/// On whose behalf a pod asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity<'a> {
    /// The pod's namespace.
    pub namespace: &'a str,
    /// The pod's service account.
    pub service_account: &'a str,
}

/// What a rule said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether the manager may be asked.
    pub allowed: bool,
    /// The rule that decided.
    pub rule: Cow<'static, str>,
}

impl Rule {
    /// A rule that matches everything.
    pub fn new(name: impl Into<String>, allows: bool) -> Self {
        Self {
            name: name.into(),
            allows,
            managers: Vec::new(),
            namespaces: Vec::new(),
            service_accounts: Vec::new(),
            groups: Vec::new(),
            keys: Vec::new(),
        }
    }

    fn matches(&self, who: &Identity<'_>, manager: Manager, secret: &Secret) -> bool {
        let any = |patterns: &[String], text: &str| patterns.is_empty() || patterns.iter().any(|p| glob(p, text));
        (self.managers.is_empty() || self.managers.contains(&manager))
            && any(&self.namespaces, who.namespace)
            && any(&self.service_accounts, who.service_account)
            && any(&self.groups, &secret.group)
            && any(&self.keys, &secret.key)
    }
}

impl Policy {
    /// A policy of these rules, before the default ones.
    pub fn new(rules: Vec<Rule>) -> Self {
        Self { rules }
    }

    /// Whether `manager` may be asked for `secret` by a pod of `who`.
    pub fn decide(&self, who: &Identity<'_>, manager: Manager, secret: &Secret) -> Verdict {
        match self.rules.iter().find(|rule| rule.matches(who, manager, secret)) {
            Some(rule) => Verdict { allowed: rule.allows, rule: rule.name.clone().into() },
            None => default_verdict(manager),
        }
    }
}

/// The rules after the configured ones.
fn default_verdict(manager: Manager) -> Verdict {
    let (allowed, rule) = match manager {
        Manager::Global => (true, "default: Global is for all"),
        Manager::K8s => (true, "default: Secrets of the pod's own namespace"),
        Manager::Local => (true, "Local is outside policy"),
        Manager::Aws | Manager::Vault | Manager::Gcp | Manager::Azure => {
            (true, "default: stores read with the pod's own identity")
        }
        Manager::Confidant | Manager::Embedded | Manager::Exec => {
            (false, "default: stores read with the webhook's identity")
        }
    };
    Verdict { allowed, rule: rule.into() }
}

/// Whether `text` fits `pattern`, in time linear in their product and without recursion.
fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // Where the last `*` stood, and how much of the text it has taken.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => {
                p += 1;
                t += 1;
            }
            Some(_) | None => {
                let Some((at, taken)) = star else { return false };
                star = Some((at, taken + 1));
                p = at + 1;
                t = taken + 1;
            }
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_match_whole_names() {
        for (pattern, text, fits) in [
            ("prod-*", "prod-a", true),
            ("prod-*", "prod", false),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*-team-*", "my-team-a", true),
            ("*aab", "aaaaab", true),
            ("a*b*c", "a-b-b-c-d", false),
        ] {
            assert_eq!(glob(pattern, text), fits, "{pattern} against {text}");
        }
    }

    #[test]
    fn the_first_rule_that_matches_decides() {
        let mut allow = Rule::new("one", true);
        allow.managers = vec![Manager::Global];
        allow.namespaces = vec!["prod-*".to_owned()];
        let mut deny = Rule::new("two", false);
        deny.managers = vec![Manager::Global];
        let policy = Policy::new(vec![allow, deny]);
        let who = |namespace| Identity { namespace, service_account: "default" };
        let secret = Secret::default();
        assert_eq!(policy.decide(&who("prod-a"), Manager::Global, &secret).rule, "one");
        let verdict = policy.decide(&who("dev"), Manager::Global, &secret);
        assert_eq!((verdict.allowed, verdict.rule.as_ref()), (false, "two"));
        assert!(policy.decide(&who("dev"), Manager::K8s, &secret).allowed, "no configured rule is about K8s");
    }
}
