// A person's signature over an exact spec, and whether enough of the right people signed.
package import Evidence
package import Primitives

/// What an approver signs on their own machine.
package struct Approval: Codable, Hashable, Sendable {
    package static let payloadType = "application/vnd.penstock.approval+json"
    /// How long a signature counts before the release must be under way.
    package static let lifetime = Duration.seconds(72 * 3600)

    package enum Answer: String, Codable, Hashable, Sendable {
        case approve, reject
    }

    package var format = 1
    package var system: SystemName
    package var environment: EnvironmentName
    package var release: ReleaseID
    package var spec: Digest
    package var role: Role
    package var person: PersonID
    package var answer: Answer
    package var reason: String
    package var signed: Instant

    package init(
        system: SystemName, environment: EnvironmentName, release: ReleaseID, spec: Digest, role: Role, person: PersonID, answer: Answer,
        reason: String, signed: Instant
    ) {
        self.system = system
        self.environment = environment
        self.release = release
        self.spec = spec
        self.role = role
        self.person = person
        self.answer = answer
        self.reason = reason
        self.signed = signed
    }

    /// Reads an answer that its named person signed over this spec, in a role that the person holds, who neither proposed nor wrote it.
    ///
    /// A person on an installation made with `init --solo` may approve their own; trust accepts such a root on loopback only.
    package static func open(_ envelope: Envelope, for spec: ReleaseSpec, digest: Digest, trust: TrustRoot) throws(ReleaseError) -> Approval {
        let approval: Approval
        do { approval = try envelope.decodeUnverified(as: payloadType) } catch { throw ReleaseError(.invalid, error.message) }
        guard approval.format == 1 else { throw ReleaseError(.invalid, "the approval has format \(approval.format), which is newer than this program; update penstock") }
        guard approval.system == trust.system, approval.environment == trust.environment else {
            throw ReleaseError(.invalid, "the approval is for \(approval.system)/\(approval.environment), and approvals do not carry from one environment to another")
        }
        guard approval.release == spec.release, approval.spec == digest else {
            throw ReleaseError(
                .invalid, "\(approval.person) signed spec \(approval.spec.short), and \(spec.release) has spec \(digest.short); what an approval covers must not change")
        }
        guard let person = trust.signers(of: envelope).first(where: { $0.id == approval.person }) else {
            throw ReleaseError(.authority, "the approval names \(approval.person), whose valid signature it does not carry; sign it with that person's key")
        }
        guard person.roles.contains(approval.role) else {
            throw ReleaseError(.authority, "\(person.id) does not hold the role '\(approval.role)'")
        }
        if !trust.solo {
            guard person.id != spec.proposal.proposer else {
                throw ReleaseError(.fourEyes, "\(person.id) proposed \(spec.release) and so cannot approve it; somebody else must")
            }
            guard person.id != spec.model?.author else {
                throw ReleaseError(.fourEyes, "\(person.id) registered the model of \(spec.release) and so cannot approve it; somebody else must")
            }
        }
        return approval
    }
}

/// Who must still sign.
package struct ApprovalTally: Hashable, Sendable {
    package var missing: [ApprovalRule]

    /// Counts people, not signatures, and one person for one role only. The trust root's least approvals hold whatever the policy says.
    package init(spec: ReleaseSpec, trust: TrustRoot, approvals: [Approval]) {
        var need: [Role: Int] = trust.approvals
        for rule in spec.approvals { need[rule.role] = max(need[rule.role] ?? 0, rule.count) }
        var counted: [PersonID: Set<Role>] = [:]
        var have: [Role: Int] = [:]
        for approval in approvals where approval.answer == .approve {
            let earlier = counted[approval.person, default: []]
            guard earlier.isEmpty || (trust.solo && !earlier.contains(approval.role)) else { continue }
            counted[approval.person, default: []].insert(approval.role)
            have[approval.role, default: 0] += 1
        }
        missing = need.keys.sorted().compactMap { role in
            let lack = (need[role] ?? 0) - (have[role] ?? 0)
            return lack > 0 ? ApprovalRule(role: role, count: lack) : nil
        }
    }

    package var isComplete: Bool { missing.isEmpty }

    package var spelled: String { missing.map { "\($0.count) \($0.role)" }.joined(separator: ", ") }
}
