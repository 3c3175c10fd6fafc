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
              penstock init --solo me:me.pub            one person, on loopback, stamped 'solo' for ever
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
        let persons = try solo.map { [try Self.soloPerson($0)] } ?? people.map { try Self.person($0) }
        guard !persons.isEmpty else { throw Failure.badInput("an installation has people; name each with --person id:role:public-key-file, or yourself with --solo") }
        let nodes = nodes.isEmpty ? [NodeID("node-1")].compactMap { $0 } : nodes

        // Everything is made in a folder beside and put in place by one rename, so that a failed ceremony leaves nothing.
        let draft = Home(path: home.path + ".new")
        try? FileManager.default.removeItem(atPath: draft.path)
        defer { try? FileManager.default.removeItem(atPath: draft.path) }
        let root = try makeKeys(in: draft, people: persons, nodes: nodes)
        let envelope = Envelope(payloadType: TrustRoot.payloadType, payload: StrictJSON.encode(root))
        try root.checkStructure()
        try Files.write(StrictJSON.encode(envelope), to: draft.trust)
        try Files.makeFolder((home.path as NSString).deletingLastPathComponent.isEmpty ? "." : (home.path as NSString).deletingLastPathComponent)
        guard rename(draft.path, home.path) == 0 else { throw Failure.cannotWrite("\(home.path) cannot be made: \(String(cString: strerror(errno)))") }
        print("Made \(home.path) for \(root.system)/\(root.environment) with \(persons.count) people and \(nodes.count) node(s).")
        print("Next: \(root.thresholds.root) of \(persons.map(\.id.text).joined(separator: ", ")) run 'penstock trust sign --key THEIR.key', then 'penstock up'.")
    }

    private func makeKeys(in home: Home, people: [TrustRoot.Person], nodes: [NodeID]) throws -> TrustRoot {
        try Files.makeFolder(home.keys)
        try Files.makeFolder(home.run)
        var publicKeys: [VerificationKey] = []
        for name in ["control-plane", "ledger", "validator"] {
            let key = SigningKey()
            try KeyFiles.write(key, private: home.keys + "/\(name).key")
            publicKeys.append(key.verificationKey)
        }
        let random = SystemRandom()
        var records = [try token(.operator, name: "operator", to: home.operatorToken, random)]
        var nodeKeys: [NodeID: VerificationKey] = [:]
        for node in nodes {
            try Files.makeFolder(home.node(node))
            let key = SigningKey()
            try KeyFiles.write(key, private: home.node(node) + "/node.key")
            nodeKeys[node] = key.verificationKey
            records.append(try token(.node, name: node.text, to: home.node(node) + "/node.token", random))
        }
        try Files.write(StrictJSON.encode(records), to: home.tokens)
        let now = SystemClock().now()
        return TrustRoot(
            system: system, environment: environment, version: 1, created: now, expires: now.adding(.seconds(86_400 * days)), solo: solo != nil, people: people,
            thresholds: .init(root: threshold ?? people.count / 2 + 1), approvals: Self.leastApprovals(people, solo: solo != nil),
            services: .init(controlPlane: publicKeys[0], ledger: publicKeys[1], validator: publicKeys[2]), nodes: nodeKeys)
    }

    private func token(_ kind: TokenKind, name: String, to path: String, _ random: SystemRandom) throws -> TokenRecord {
        guard let name = TokenName(name) else { throw Failure.badInput(TokenName.refusal(of: name)) }
        let (text, record) = TokenTable.issue(kind: kind, name: name, random: random)
        try Files.write(Array((text + "\n").utf8), to: path)
        return record
    }

    /// One of each approving role that somebody holds.
    private static func leastApprovals(_ people: [TrustRoot.Person], solo: Bool) -> [Role: Int] {
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
