// The genesis ceremony.
import ArgumentParser
import ControlPlane
import Evidence
import Foundation
import Primitives

struct InitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Begins an installation: its people, their roles, and its own keys.",
        discussion: """
            Writes trust.json, which its people must still sign ('penstock trust sign') before anything starts. As many people are \
            needed as the roles ask for, since who proposes does not approve.

              penstock init --system demo --environment staging \\
                --person ada:proposer:ada.pub --person ben:reviewer:ben.pub --person cleo:risk-owner:cleo.pub
              penstock init --system try --environment dev --solo me:me.pub            one person, on loopback, stamped 'solo' for ever
            """)

    @OptionGroup var home: HomeOptions
    @Option(help: "The installation's name.") var system: SystemName
    @Option(help: "dev, staging, production or a name of yours.") var environment: EnvironmentName
    @Option(name: .customLong("person"), help: "A person as id:role[+role…]:public-key-file. Repeat for each.") var people: [PersonArgument] = []
    @Option(help: "One person as id:public-key-file who may approve their own; loopback only.") var solo: String?
    @Option(help: "How many people must sign the trust root. Default: a majority.") var threshold: Int?
    @Option(name: .customLong("node"), help: "A serving node's name. Repeat for each.") var nodes: [NodeID] = []
    @Option(help: "How long the trust root counts, in days.") var days: Int = 365

    func run() async throws {
        let home = home.resolved
        guard !home.exists else { throw Failure.cannotWrite("\(home.path) holds an installation already; nothing was changed") }
        guard (1...3650).contains(days) else { throw Failure.badInput("--days takes a whole number from 1 to 3650") }
        guard solo == nil || people.isEmpty else { throw Failure.badInput("--solo is for one person alone; leave it out, or every --person") }
        let persons = try solo.map { [try Self.soloPerson($0)] } ?? people.map { try Self.person($0) }
        guard !persons.isEmpty else { throw Failure.badInput("an installation has people; name each with --person id:role:public-key-file, or yourself with --solo") }
        let nodes = nodes.isEmpty ? [NodeID("node-1")].compactMap { $0 } : nodes
        guard Set(nodes).count == nodes.count, !nodes.contains(where: { $0.text == "control" }) else {
            throw Failure.badInput("every --node needs a name of its own, and 'control' is the control plane's")
        }

        let keys = NewKeys(nodes: nodes)
        let root = try trustRoot(keys, people: persons)
        try root.checkStructure()
        // Everything is made in a folder beside and put in place by one rename, so that a failed ceremony leaves nothing.
        let draft = Home(path: "\(home.path).\(UInt32.random(in: 0...UInt32.max)).new")
        defer { try? FileManager.default.removeItem(atPath: draft.path) }
        try Files.makeFolder(Files.folder(of: home.path))
        guard mkdir(draft.path, 0o700) == 0 else {
            throw Failure.cannotWrite("\(home.path) cannot be made: \(String(cString: strerror(errno))); name another folder with --home")
        }
        try keys.write(to: draft)
        try Files.write(StrictJSON.encode(Envelope(payloadType: TrustRoot.payloadType, payload: StrictJSON.encode(root))), to: draft.trust)
        guard rename(draft.path, home.path) == 0 else {
            throw Failure.cannotWrite("\(home.path) cannot be made: \(String(cString: strerror(errno))); move it away, or name another folder with --home")
        }
        print("Made \(home.path) for \(root.system)/\(root.environment) with \(persons.count) people and \(nodes.count) node(s).")
        print("Next: \(root.thresholds.root) of \(persons.map(\.id.text).joined(separator: ", ")) run 'penstock trust sign --key THEIR.key', then 'penstock up'.")
    }

    private func trustRoot(_ keys: NewKeys, people: [TrustRoot.Person]) throws -> TrustRoot {
        let approvals = Self.leastApprovals(people)
        guard !approvals.isEmpty else {
            throw Failure.badInput("nobody could approve a release: give somebody the role reviewer, independent-validator or risk-owner")
        }
        let now = SystemClock().now()
        return TrustRoot(
            system: system, environment: environment, version: 1, created: now, expires: now.adding(.seconds(86_400 * days)), solo: solo != nil, people: people,
            thresholds: .init(root: threshold ?? people.count / 2 + 1), approvals: approvals,
            services: .init(controlPlane: keys.controlPlane.verificationKey, ledger: keys.ledger.verificationKey, validator: keys.validator.verificationKey),
            nodes: keys.nodes.mapValues(\.verificationKey))
    }

    /// One of each approving role that somebody holds.
    private static func leastApprovals(_ people: [TrustRoot.Person]) -> [Role: Int] {
        let held = Set(people.flatMap(\.roles))
        return Dictionary(uniqueKeysWithValues: [Role.reviewer, .independentValidator, .riskOwner].filter(held.contains).map { ($0, 1) })
    }

    private static func person(_ argument: PersonArgument) throws -> TrustRoot.Person {
        TrustRoot.Person(id: argument.id, name: argument.id.text, roles: argument.roles, keys: [try KeyFiles.verificationKey(argument.publicKey)])
    }

    private static func soloPerson(_ argument: String) throws -> TrustRoot.Person {
        let parts = argument.split(separator: ":", maxSplits: 1)
        guard parts.count == 2, let id = PersonID(parts[0]) else { throw Failure.badInput("--solo takes id:public-key-file, such as me:me.pub") }
        return TrustRoot.Person(
            id: id, name: id.text, roles: [.proposer, .reviewer, .riskOwner], keys: [try KeyFiles.verificationKey(String(parts[1]))])
    }
}

/// The installation's own keys, before they are on disk.
private struct NewKeys {
    let controlPlane = SigningKey(), ledger = SigningKey(), validator = SigningKey()
    let nodes: [NodeID: SigningKey]

    init(nodes: [NodeID]) { self.nodes = Dictionary(uniqueKeysWithValues: nodes.map { ($0, SigningKey()) }) }

    func write(to home: Home) throws {
        try Files.makeFolder(home.keys)
        try Files.makeFolder(home.run)
        for (name, key) in [("control-plane", controlPlane), ("ledger", ledger), ("validator", validator)] {
            try KeyFiles.write(key, private: home.keys + "/\(name).key")
        }
        let random = SystemRandom()
        var records = [try Self.token(.operator, name: "operator", to: home.operatorToken, random)]
        let recordKey = random.bytes(32)
        try KeyFiles.write(record: recordKey, to: home.recordKey)
        for (node, key) in nodes {
            try Files.makeFolder(home.node(node))
            try KeyFiles.write(record: recordKey, to: home.node(node) + "/record.key")
            try KeyFiles.write(key, private: home.node(node) + "/node.key")
            records.append(try Self.token(.node, name: node.text, to: home.node(node) + "/node.token", random))
        }
        try Files.write(try TokenTable(records).json, to: home.tokens)
    }

    private static func token(_ kind: TokenKind, name: String, to path: String, _ random: SystemRandom) throws -> TokenRecord {
        guard let name = TokenName(name) else { throw Failure.badInput(TokenName.refusal(of: name)) }
        let (text, record) = TokenTable.issue(kind: kind, name: name, random: random)
        try Files.write(Array((text + "\n").utf8), to: path)
        return record
    }
}
