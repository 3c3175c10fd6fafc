// What a node, or an auditor, checks before it believes that a spec was released.
package import Evidence
package import Primitives
private import Registry

/// A bundle whose every signature and digest was checked against a trust root.
package struct VerifiedRelease: Hashable, Sendable {
    package var spec: ReleaseSpec
    package var digest: Digest
    package var approvals: [Approval]
    /// By a person, where the policy needs one for the step to live.
    package var isPromoted: Bool

    /// Proposal, registration, approvals and the plan, in that order; the first thing that does not hold is the refusal.
    package init(verifying bundle: ReleaseBundle, trust: TrustRoot) throws(ReleaseError) {
        let spec = try ReleaseSpec.read(bundle.spec.bytes)
        let digest = bundle.digest
        let proposal = try Proposal.open(bundle.proposal, trust: trust)
        guard proposal == spec.proposal else {
            throw ReleaseError(.invalid, "the spec of \(spec.release) is not the one that \(proposal.proposer) proposed")
        }
        try Self.check(registration: bundle.registration, of: spec, trust: trust)
        var approvals: [Approval] = []
        for envelope in bundle.approvals { approvals.append(try Approval.open(envelope, for: spec, digest: digest, trust: trust)) }
        let tally = ApprovalTally(spec: spec, trust: trust, approvals: approvals)
        guard tally.isComplete else {
            throw ReleaseError(.authority, "\(spec.release) is not approved: \(tally.spelled) must still sign spec \(digest.short)")
        }
        guard !approvals.contains(where: { $0.answer == .reject }) else {
            throw ReleaseError(.authority, "\(spec.release) was rejected")
        }
        guard spec.criteria.allSatisfy({ $0.verdict == .met }) else {
            throw ReleaseError(.evidence, "\(spec.release) carries a criterion that is not met")
        }
        self.spec = spec
        self.digest = digest
        self.approvals = approvals
        isPromoted = try Self.isPromoted(bundle.promotion, spec, digest, trust)
    }

    private static func isPromoted(_ envelope: Envelope?, _ spec: ReleaseSpec, _ digest: Digest, _ trust: TrustRoot) throws(ReleaseError) -> Bool {
        guard spec.needsPromotion else { return true }
        guard let envelope else { return false }
        let order = try AdvanceOrder.open(envelope, for: spec, digest: digest, trust: trust)
        guard order.action == .promote, spec.exposure.indices.contains(order.step), spec.exposure[order.step] == .live else {
            throw ReleaseError(.exposure, "the order of \(order.person) is not the one that lets \(spec.release) go live")
        }
        return true
    }

    private static func check(registration envelope: Envelope?, of spec: ReleaseSpec, trust: TrustRoot) throws(ReleaseError) {
        guard let model = spec.model else { return }
        guard let envelope else { throw ReleaseError(.evidence, "\(spec.release) names \(model.version) without its registration") }
        let registration: Registration
        do { registration = try Registration.open(envelope, trust: trust) } catch { throw ReleaseError(.authority, error.message) }
        guard ReleaseSpec.Model(registration) == model else {
            throw ReleaseError(.invalid, "the spec of \(spec.release) describes \(model.version) otherwise than \(registration.author) registered it")
        }
    }

    package var mayBeChampion: Bool { spec.exposure.contains(.live) }
}

/// A route all of whose parts a node may carry out.
package struct VerifiedRoute: Hashable, Sendable {
    package var route: ServiceRoute
    package var releases: [Digest: VerifiedRelease]

    /// Refuses a route that names a release which was not approved, is for another service, or gets more than its plan allows.
    package init(verifying route: ServiceRoute, bundles: [ReleaseBundle], trust: TrustRoot) throws(ReleaseError) {
        var releases: [Digest: VerifiedRelease] = [:]
        for digest in route.specs.sorted() {
            guard let bundle = bundles.first(where: { $0.digest == digest }) else {
                throw ReleaseError(.evidence, "the table routes \(route.service) to spec \(digest.short) and does not carry that spec")
            }
            let release = try VerifiedRelease(verifying: bundle, trust: trust)
            guard release.spec.service == route.service else {
                throw ReleaseError(.invalid, "\(release.spec.release) is not a release of \(route.service)")
            }
            releases[digest] = release
        }
        self.route = route
        self.releases = releases
        try checkShares()
    }

    private func checkShares() throws(ReleaseError) {
        guard let champion = releases[route.champion], champion.mayBeChampion else {
            throw ReleaseError(.exposure, "\(route.service) would be answered wholly by a release whose approved plan has no live step")
        }
        guard champion.isPromoted else {
            throw ReleaseError(.exposure, "\(champion.spec.release) would answer \(route.service) wholly, and no person has promoted it to live")
        }
        guard let candidate = route.candidate, let release = releases[candidate.spec] else { return }
        let plan = release.spec.exposure
        guard plan.indices.contains(candidate.step), plan[candidate.step] != .live else {
            throw ReleaseError(.exposure, "\(release.spec.release) would be a candidate on step \(candidate.step), which its approved plan does not have")
        }
        guard candidate.share >= 0, candidate.share <= plan[candidate.step].share else {
            throw ReleaseError(
                .exposure,
                "\(release.spec.release) would answer \(candidate.share) of the requests, and step \(candidate.step) of its approved plan allows \(plan[candidate.step].share) at most"
            )
        }
    }
}
