//! Which step is next. Pure: the model checks this very function.

/// What the Secret says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Nothing is under way.
    Resting,
    /// The next CA is in the bundle, and has signed nothing.
    Published,
    /// The leaf is the new CA's; the old one is in the bundle still.
    Switched,
}

/// For how long something has been seen to be so, without a break.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lasting {
    /// It is not so.
    No,
    /// It is so, but not for long enough.
    Short,
    /// It has been so for long enough.
    Long,
}

/// What is seen of a rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Observed {
    /// What the Secret says.
    pub stage: Stage,
    /// Whether the CAs that this rotation is to replace are out of the Secret.
    pub is_gone: bool,
    /// Whether the registration has the CAs of the Secret, no more and no less: long enough for each API server to have heard.
    pub registered: Lasting,
    /// Whether each replica serves a leaf of the new CA: long enough for one that was just starting to be seen.
    pub served: Lasting,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Write a new CA beside the old one.
    Publish,
    /// Wait until the registration has the CAs of the Secret.
    AwaitRegistration,
    /// Wait until each API server has heard of them.
    Hold,
    /// Write a leaf of the new CA.
    Switch,
    /// Wait until each replica serves it.
    AwaitReplicas,
    /// Wait until those that were just starting serve it, too.
    Settle,
    /// Take the old CA out.
    Drop,
    /// Nothing.
    Done,
}

/// The next step.
pub fn next(observed: &Observed) -> Step {
    use Lasting::{Long, No, Short};
    // What is to go has gone: whatever is under way now is another rotation, and another's business.
    match (observed.is_gone, observed.stage, observed.registered, observed.served) {
        (true, Stage::Resting, No, _) | (false, Stage::Published | Stage::Switched, No, _) => Step::AwaitRegistration,
        (true, ..) => Step::Done,
        (false, Stage::Resting, ..) => Step::Publish,
        (false, Stage::Published, Short, _) => Step::Hold,
        (false, Stage::Published, Long, _) => Step::Switch,
        (false, Stage::Switched, Short | Long, No) => Step::AwaitReplicas,
        (false, Stage::Switched, Short | Long, Short) => Step::Settle,
        (false, Stage::Switched, Short | Long, Long) => Step::Drop,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn undisturbed_the_steps_come_in_their_order() {
        let seen = |stage, is_gone, registered, served| next(&Observed { stage, is_gone, registered, served });
        let (no, short, long) = (Lasting::No, Lasting::Short, Lasting::Long);
        let steps = [
            seen(Stage::Resting, false, long, no),
            seen(Stage::Published, false, no, no),
            seen(Stage::Published, false, short, no),
            seen(Stage::Published, false, long, no),
            seen(Stage::Switched, false, short, no),
            seen(Stage::Switched, false, long, short),
            seen(Stage::Switched, false, long, long),
            seen(Stage::Resting, true, no, no),
            seen(Stage::Resting, true, short, no),
        ];
        let expected = [
            Step::Publish,
            Step::AwaitRegistration,
            Step::Hold,
            Step::Switch,
            Step::AwaitReplicas,
            Step::Settle,
            Step::Drop,
            Step::AwaitRegistration,
            Step::Done,
        ];
        assert_eq!(steps, expected);
    }
}
