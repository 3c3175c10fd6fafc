// What is proposed, and the exact thing that people approve.
package import Evidence
package import Primitives
package import Registry

/// What the proposer signs. Digests name files in the artifact store.
package struct Proposal: Codable, Hashable, Sendable {
    package static let payloadType = "application/vnd.penstock.proposal+json"

    package var format = 1
    package var system: SystemName
    package var environment: EnvironmentName
    package var release: ReleaseID
    package var service: ServiceName
    /// 0 is the fallback, a release without a model.
    package var number: Int
    package var model: ModelVersionID?
    package var decision: Digest
    package var request: Digest
    package var policy: Digest
    package var reason: String
    package var expectedChange: String?
    /// Rates that the release means to move, by outcome: candidate minus champion, such as `offer: 0.02`.
    package var expectedRates: [String: Double]?
    package var proposer: PersonID
    package var proposed: Instant

    package init(
        system: SystemName, environment: EnvironmentName, service: ServiceName, number: Int, model: ModelVersionID?, decision: Digest,
        request: Digest, policy: Digest, reason: String, expectedChange: String?, expectedRates: [String: Double]? = nil, proposer: PersonID, proposed: Instant
    ) throws(ReleaseError) {
        self.system = system
        self.environment = environment
        self.release = try Proposal.releaseID(service, number)
        self.service = service
        self.number = number
        self.model = model
        self.decision = decision
        self.request = request
        self.policy = policy
        self.reason = reason
        self.expectedChange = expectedChange
        self.expectedRates = expectedRates
        self.proposer = proposer
        self.proposed = proposed
    }

    package static func releaseID(_ service: ServiceName, _ number: Int) throws(ReleaseError) -> ReleaseID {
        guard number >= 0, let id = ReleaseID("\(service)-\(number)") else {
            throw ReleaseError(.invalid, "the service name '\(service)' is too long for a release number; use at most 50 characters")
        }
        return id
    }

    /// Reads a proposal that its named proposer signed, in a system whose trust names that person a proposer.
    package static func open(_ envelope: Envelope, trust: TrustRoot) throws(ReleaseError) -> Proposal {
        let proposal: Proposal
        do { proposal = try envelope.decodeUnverified(as: payloadType) } catch { throw ReleaseError(.invalid, error.message) }
        guard proposal.format == 1 else { throw ReleaseError(.invalid, "proposal format \(proposal.format) is newer than this program; update penstock") }
        guard proposal.system == trust.system, proposal.environment == trust.environment else {
            throw ReleaseError(.invalid, "the proposal is for \(proposal.system)/\(proposal.environment), and this is \(trust.system)/\(trust.environment)")
        }
        guard proposal.release == (try releaseID(proposal.service, proposal.number)), (proposal.number == 0) == (proposal.model == nil) else {
            throw ReleaseError(.invalid, "release 0 is the fallback without a model, and every other release names a model version")
        }
        guard let person = trust.signers(of: envelope).first(where: { $0.id == proposal.proposer }) else {
            throw ReleaseError(.authority, "the proposal names \(proposal.proposer), whose signature it does not carry; sign it with that person's key")
        }
        guard person.roles.contains(.proposer) else {
            throw ReleaseError(.authority, "\(person.id) is not a proposer here; somebody with the role 'proposer' must propose")
        }
        return proposal
    }
}

/// What was found for one criterion. Failed, inconclusive and errored are three words for three different moves.
package enum Verdict: String, Codable, Hashable, Sendable {
    case met, failed, inconclusive, errored, missing
}

package struct CriterionResult: Codable, Hashable, Sendable {
    /// The validator: `evaluation` or `reversibility`.
    package var validator: String
    /// In words: `auc at least 0.76`.
    package var criterion: String
    /// What the evidence is about.
    package var subjects: [Digest]
    package var verdict: Verdict

    package init(validator: String, criterion: String, subjects: [Digest], verdict: Verdict) {
        self.validator = validator
        self.criterion = criterion
        self.subjects = subjects
        self.verdict = verdict
    }
}

/// The exact thing that approvers sign: everything that decides how the service will answer, and what was proved about it.
///
/// The digest is over the JSON bytes that travel; a node decodes just the bytes whose digest was approved. Statements' own bytes
/// are not in it, so that measuring again with the same subjects and verdict voids no approval.
package struct ReleaseSpec: Codable, Hashable, Sendable {
    package struct Model: Codable, Hashable, Sendable {
        package var version: ModelVersionID
        package var artifact: Digest
        package var bytes: Int
        package var format: String
        package var contract: Digest
        package var author: PersonID

        package init(_ registration: Registration) {
            version = registration.version
            artifact = registration.artifact
            bytes = registration.bytes
            format = registration.format
            contract = registration.contract
            author = registration.author
        }
    }

    package var format = 1
    package var proposal: Proposal
    package var model: Model?
    /// The spec that was live when this one was sealed, and that a rollback returns to.
    package var baseline: Digest?
    package var exposure: [ExposureStep]
    /// Copied from the policy, so that a node and an auditor can count approvals without it.
    package var approvals: [ApprovalRule]
    package var criteria: [CriterionResult]
    /// There where the plan has steps before live.
    package var rollout: RolloutTerms?
    /// 16 bytes that make this release's canary set its own.
    package var salt: Base64Bytes

    /// `isFirst` says that no release with a model is live; `maturesAfter` is how long the service waits for outcomes.
    package init(
        proposal: Proposal, model: Model?, baseline: Digest?, policy: ReleasePolicy, isFirst: Bool, maturesAfter: Duration, criteria: [CriterionResult],
        salt: [UInt8]
    ) {
        self.proposal = proposal
        self.model = model
        self.baseline = baseline
        // Nothing compares with a fallback, and the fallback itself has nothing to be compared.
        exposure = model == nil ? [.live] : isFirst ? policy.firstRelease?.exposure ?? policy.exposure : policy.exposure
        rollout = policy.rollout(exposure, maturesAfter: maturesAfter, expectedRates: proposal.expectedRates ?? [:])
        self.approvals = policy.approvals
        self.criteria = criteria
        self.salt = Base64Bytes(salt)
    }

    package var release: ReleaseID { proposal.release }
    package var service: ServiceName { proposal.service }

    package var encoded: [UInt8] { StrictJSON.encode(self) }

    package static func read(_ bytes: [UInt8]) throws(ReleaseError) -> ReleaseSpec {
        let spec: ReleaseSpec
        do { spec = try StrictJSON.decode(from: bytes) } catch {
            throw ReleaseError(.invalid, "the release spec cannot be read: \(StrictJSON.explain(error))")
        }
        guard spec.format == 1 else { throw ReleaseError(.invalid, "release spec format \(spec.format) is newer than this program; update penstock") }
        guard spec.model?.version == spec.proposal.model, spec.salt.bytes.count == 16, !spec.exposure.isEmpty, !spec.approvals.isEmpty else {
            throw ReleaseError(.invalid, "the release spec of \(spec.release) contradicts its proposal")
        }
        guard spec.exposure.dropLast().allSatisfy({ $0 != .live }), spec.exposure == [.live] ? spec.rollout == nil : spec.rollout?.isSound == true else {
            throw ReleaseError(.invalid, "the release spec of \(spec.release) plans an exposure that its terms do not watch")
        }
        return spec
    }
}
