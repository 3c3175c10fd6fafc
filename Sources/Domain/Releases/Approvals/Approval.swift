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

    /// By role, how many people must approve: the trust root's least approvals hold whatever the policy says.
    package static func need(_ rules: [ApprovalRule], trust: TrustRoot) -> [Role: Int] {
        rules.reduce(into: trust.approvals) { need, rule in need[rule.role] = max(need[rule.role] ?? 0, rule.count) }
    }

    /// Why the people of the trust root can never give these approvals, one person for one role; `nil` when they can. `without` are those who
    /// may not approve.
    package static func shortfall(_ rules: [ApprovalRule], trust: TrustRoot, without: Set<PersonID>) -> String? {
        let need = need(rules, trust: trust).filter { $0.value > 0 }
        let people = trust.people.filter { trust.solo || !without.contains($0.id) }
        // Hall's theorem: there are enough exactly when there are for every set of roles. Approving roles are few.
        let roles = need.keys.sorted()
        guard roles.count <= 16 else { return "it asks for approvals in \(roles.count) roles, more than anybody keeps apart" }
        for set in 1..<max(1, 1 << roles.count) {
            let chosen = roles.indices.filter { set & 1 << $0 != 0 }.map { roles[$0] }
            if trust.solo, chosen.count > 1 { continue }
            let asked = chosen.reduce(0) { $0 + min(need[$1] ?? 0, 1000) }
            let able = people.filter { person in chosen.contains { person.roles.contains($0) } }.count
            if asked > able {
                let roles = chosen.map(\.text).joined(separator: " and ")
                return "it asks for \(asked) approval\(asked == 1 ? "" : "s") by \(roles), and only \(able) of the people who may approve it can give one"
            }
        }
        return nil
    }

    /// Counts people, not signatures, and one person for one role only.
    package init(spec: ReleaseSpec, trust: TrustRoot, approvals: [Approval]) {
        let need = Self.need(spec.approvals, trust: trust)
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
