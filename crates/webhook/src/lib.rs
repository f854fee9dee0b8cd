//! The admission webhook: listeners, certificates, registration.
