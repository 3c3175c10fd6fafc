// The trust root: the people of an installation, what each may do, and the keys of its own services.
package import Primitives

/// The payload of trust.json, a DSSE envelope signed by the people that it lists. Everything else is believed only because of it.
package struct TrustRoot: Codable, Hashable, Sendable {
    package static let payloadType = "application/vnd.penstock.trust+json"

    package struct Person: Codable, Hashable, Sendable {
        package var id: PersonID
        package var name: String
        package var roles: [Role]
        package var keys: [VerificationKey]

        package init(id: PersonID, name: String, roles: [Role], keys: [VerificationKey]) {
            self.id = id
            self.name = name
            self.roles = roles
            self.keys = keys
        }
    }

    package struct Thresholds: Codable, Hashable, Sendable {
        /// How many people must sign a trust root.
        package var root: Int

        package init(root: Int) { self.root = root }
    }

    package struct Services: Codable, Hashable, Sendable {
        package var controlPlane: VerificationKey
        package var ledger: VerificationKey
        package var validator: VerificationKey

        package init(controlPlane: VerificationKey, ledger: VerificationKey, validator: VerificationKey) {
            self.controlPlane = controlPlane
            self.ledger = ledger
            self.validator = validator
        }

        private enum CodingKeys: String, CodingKey {
            case controlPlane = "control_plane"
            case ledger, validator
        }
    }

    package var format = 1
    package var system: SystemName
    package var environment: EnvironmentName
    package var version: Int
    package var created: Instant
    package var expires: Instant
    /// One person who may approve their own; such an installation is for loopback and says so everywhere.
    package var solo: Bool
    package var people: [Person]
    package var thresholds: Thresholds
    /// The least approvals, by role, that any release here needs, whatever its policy says.
    package var approvals: [Role: Int]
    package var services: Services
    package var nodes: [NodeID: VerificationKey]

    package init(
        system: SystemName, environment: EnvironmentName, version: Int, created: Instant, expires: Instant, solo: Bool, people: [Person],
        thresholds: Thresholds, approvals: [Role: Int], services: Services, nodes: [NodeID: VerificationKey]
    ) {
        self.system = system
        self.environment = environment
        self.version = version
        self.created = created
        self.expires = expires
        self.solo = solo
        self.people = people
        self.thresholds = thresholds
        self.approvals = approvals
        self.services = services
        self.nodes = nodes
    }

    /// The name of this installation's ledger in checkpoints.
    package var ledgerOrigin: String { "penstock/\(system)/\(environment)" }

    package func isExpired(at now: Instant) -> Bool { now >= expires }

    /// The people, not keys, who validly signed. Somebody with two keys counts once.
    package func signers(of envelope: Envelope) -> [Person] {
        let keys = envelope.signers(among: people.flatMap(\.keys))
        return people.filter { person in person.keys.contains { keys.contains($0.id) } }
    }

    package func people(in role: Role) -> [Person] { people.filter { $0.roles.contains(role) } }

    /// The one person whose keys are among these; `nil` when they are nobody's or several people's.
    package func person(signedBy keyIDs: Set<KeyID>) -> Person? {
        let holders = people.filter { person in person.keys.contains { keyIDs.contains($0.id) } }
        return holders.count == 1 ? holders.first : nil
    }

    /// Reads the first root of an installation, signed by enough of its own people.
    package static func openGenesis(_ envelope: Envelope) throws(EvidenceError) -> TrustRoot {
        let root = try read(envelope)
        guard root.version == 1 else {
            throw EvidenceError(.untrusted, "the trust root has version \(root.version), and a chain of trust begins with version 1")
        }
        try root.checkStructure()
        try root.checkSigned(envelope, by: root)
        return root
    }

    /// Reads the root that follows this one: signed by enough people of both.
    package func openSuccessor(_ envelope: Envelope) throws(EvidenceError) -> TrustRoot {
        let next = try Self.read(envelope)
        guard next.version == version &+ 1 else {
            throw EvidenceError(.inconsistent, "trust root version \(next.version) cannot follow version \(version)")
        }
        guard next.system == system, next.environment == environment else {
            throw EvidenceError(.inconsistent, "the new trust root is for \(next.system)/\(next.environment), and the old one for \(system)/\(environment)")
        }
        guard solo || !next.solo else {
            throw EvidenceError(.inconsistent, "the new trust root is solo, and the old one is not; an installation of several people stays one")
        }
        try next.checkStructure()
        try next.checkSigned(envelope, by: self)
        try next.checkSigned(envelope, by: next)
        return next
    }

    /// A root has one spelling, so that what people read before they sign, unknown and repeated keys included, is all that it says.
    private static func read(_ envelope: Envelope) throws(EvidenceError) -> TrustRoot {
        let root: TrustRoot = try envelope.decodeUnverified(as: payloadType)
        guard root.format == 1 else { throw malformed("its format is \(root.format), and this program reads format 1; update penstock") }
        guard StrictJSON.encode(root) == envelope.payload else {
            throw malformed("its JSON is not as penstock writes it: sorted keys, no spaces, nothing unknown")
        }
        return root
    }

    private func checkSigned(_ envelope: Envelope, by judge: TrustRoot) throws(EvidenceError) {
        let count = judge.signers(of: envelope).count
        guard count >= judge.thresholds.root else {
            throw EvidenceError(
                .unsigned,
                "trust root version \(version) needs the signatures of \(judge.thresholds.root) people of version \(judge.version) and has \(count); "
                    + "each signs with 'penstock trust sign --key THEIR.key'")
        }
    }

    /// What must hold of any root, signed or not.
    package func checkStructure() throws(EvidenceError) {
        guard format == 1 else { throw Self.malformed("its format is \(format), and this program reads format 1; update penstock") }
        guard version >= 1 else { throw Self.malformed("its version is \(version), and versions begin with 1") }
        guard created < expires else { throw Self.malformed("it expires before it was created") }
        try checkPeople()
        try checkKeys()
        guard (1...people.count).contains(thresholds.root) else {
            throw Self.malformed("its root threshold is \(thresholds.root), and it has \(people.count) people; use 1 to \(people.count)")
        }
        guard !approvals.isEmpty else { throw Self.malformed("it must ask for at least one approval of every release") }
        for (role, count) in approvals.sorted(by: { $0.key < $1.key }) {
            let holders = people(in: role).count
            guard count >= 1 else { throw Self.malformed("it asks for \(count) approvals of a \(role); ask for 1 or more, or leave the role out") }
            guard count <= holders else {
                throw Self.malformed("it asks for \(count) approval(s) of a \(role), and \(holders) of its people hold that role")
            }
        }
        if solo { try checkSolo() } else { try checkSeparation() }
    }

    private func checkPeople() throws(EvidenceError) {
        guard (1...Self.maximumPeople).contains(people.count) else {
            throw Self.malformed("it lists \(people.count) people; there must be 1 to \(Self.maximumPeople)")
        }
        var seen: Set<PersonID> = []
        for person in people {
            guard seen.insert(person.id).inserted else { throw Self.malformed("\(person.id) is listed twice") }
            guard Set(person.roles).count == person.roles.count else { throw Self.malformed("\(person.id) has a role listed twice") }
            guard (1...Self.maximumKeys).contains(person.keys.count) else {
                throw Self.malformed("\(person.id) has \(person.keys.count) keys; give each person 1 to \(Self.maximumKeys)")
            }
        }
    }

    /// Two holders of one key could not be told apart, and one person would count as two.
    private func checkKeys() throws(EvidenceError) {
        guard !nodes.isEmpty else { throw Self.malformed("it lists no serving node") }
        let held: [(String, VerificationKey)] =
            people.flatMap { person in person.keys.map { (person.id.text, $0) } }
            + [("the control plane", services.controlPlane), ("the ledger", services.ledger), ("the validator", services.validator)]
            + nodes.sorted { $0.key < $1.key }.map { ("node \($0.key)", $0.value) }
        var holders: [VerificationKey: String] = [:]
        for (holder, key) in held {
            if let other = holders.updateValue(holder, forKey: key) {
                throw Self.malformed("one key is listed for \(other) and for \(holder); every person, service and node needs a key of its own")
            }
        }
    }

    private static let maximumPeople = 200
    private static let maximumKeys = 4

    private func checkSolo() throws(EvidenceError) {
        guard people.count == 1 else { throw Self.malformed("'solo' is for one person, and it lists \(people.count)") }
        guard !people(in: .proposer).isEmpty else { throw Self.malformed("nobody is a proposer") }
    }

    private func checkSeparation() throws(EvidenceError) {
        let approving = Role.approving.union(approvals.keys)
        for person in people where person.roles.contains(.admin) && !approving.isDisjoint(with: person.roles) {
            throw Self.malformed("\(person.id) is admin and holds an approving role; admins cannot approve")
        }
        let proposers = people(in: .proposer)
        guard !proposers.isEmpty else { throw Self.malformed("nobody is a proposer") }
        // Somebody must be able to propose while enough others remain to fill every seat, one person to a seat.
        let canRelease = proposers.contains { proposer in
            Self.canFill(approvals, from: people.filter { $0.id != proposer.id })
        }
        guard canRelease else {
            throw Self.malformed(
                "its roles leave too few people to approve what somebody else proposed; add people, or use 'init --solo' for one person on loopback")
        }
    }

    /// Whether distinct people can take all seats: augmenting paths, after Kuhn. No count exceeds the number of people.
    private static func canFill(_ need: [Role: Int], from people: [Person]) -> Bool {
        let seats = need.flatMap { Array(repeating: $0.key, count: $0.value) }
        guard seats.count <= people.count else { return false }
        var seatOf: [Int: Int] = [:]
        func seat(_ index: Int, _ tried: inout Set<Int>) -> Bool {
            for (person, holder) in people.enumerated() where holder.roles.contains(seats[index]) && tried.insert(person).inserted {
                if let other = seatOf[person], !seat(other, &tried) { continue }
                seatOf[person] = index
                return true
            }
            return false
        }
        return seats.indices.allSatisfy { index in
            var tried: Set<Int> = []
            return seat(index, &tried)
        }
    }

    private static func malformed(_ what: String) -> EvidenceError { EvidenceError(.malformed, "the trust root cannot be used: \(what)") }
}
