// The keys with which the installation itself signs.
package import Evidence

/// Held by the control plane only. None of them can approve anything.
package struct ServiceKeys: Sendable {
    /// Signs routing tables.
    package var controlPlane: SigningKey
    /// Signs checkpoints.
    package var ledger: SigningKey
    /// Signs what validators measured.
    package var validator: SigningKey

    package init(controlPlane: SigningKey, ledger: SigningKey, validator: SigningKey) {
        self.controlPlane = controlPlane
        self.ledger = ledger
        self.validator = validator
    }

    /// The first service whose key is not the one that the trust root lists; `nil` when all fit.
    func misfit(with trust: TrustRoot) -> String? {
        let pairs = [
            ("control plane", controlPlane.verificationKey, trust.services.controlPlane), ("ledger", ledger.verificationKey, trust.services.ledger),
            ("validator", validator.verificationKey, trust.services.validator),
        ]
        return pairs.first { $0.1 != $0.2 }?.0
    }
}
