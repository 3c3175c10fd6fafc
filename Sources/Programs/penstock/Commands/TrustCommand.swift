// The trust root: who may do what, and who says so.
import ArgumentParser
import Evidence
import Primitives

struct TrustCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trust", abstract: "Shows, signs and checks the trust root.", discussion: "  penstock trust show", subcommands: [Show.self, Sign.self, Verify.self])

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows the people, their roles, and who has signed.", discussion: "  penstock trust show\n  penstock trust show --output json")
        @OptionGroup var home: HomeOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try home.resolved.requireInitialised()
            let envelope = try home.resolved.trustEnvelope()
            let root = try TrustFile.unverifiedRoot(envelope, of: home.resolved.trust)
            let signers = Set(root.signers(of: envelope).map(\.id))
            let rows = root.people.map { person in
                [
                    person.id.text, person.roles.map(\.text).joined(separator: ", "), person.keys.map(\.id.digest.short).joined(separator: ", "),
                    signers.contains(person.id) ? "signed" : "not yet",
                ]
            }
            if output.output == .table {
                print(
                    "\(root.system)/\(root.environment), version \(root.version)\(root.solo ? ", solo" : ""), until \(root.expires); \(signers.count) of \(root.thresholds.root) needed signatures"
                )
            }
            output.show(root, columns: ["person", "roles", "key", "root"], rows: rows, empty: "nobody")
        }
    }

    struct Sign: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Adds a person's signature to trust.json.", discussion: "  penstock trust sign --key ada.key\n  penstock trust sign --key ada.key --file received-trust.json")
        @OptionGroup var home: HomeOptions
        @Option(help: "The signer's private key file.") var key: String
        @Option(help: "The document, when it is not the installation's own.") var file: String?

        func run() async throws {
            let path = file ?? home.resolved.trust
            if file == nil { try home.resolved.requireInitialised() }
            var envelope = try TrustFile.envelope(path)
            let root = try TrustFile.unverifiedRoot(envelope, of: path)
            let signing = try KeyFiles.signingKey(key)
            guard let person = root.people.first(where: { $0.keys.contains(signing.verificationKey) }) else {
                throw Failure.refused("\(key) is the key of nobody in \(path); the people are \(root.people.map(\.id.text).joined(separator: ", "))")
            }
            envelope.sign(with: signing)
            try Files.write(StrictJSON.encode(envelope), to: path, replacing: true)
            let count = root.signers(of: envelope).count
            print("\(person.id) signed \(root.system)/\(root.environment) version \(root.version): \(count) of \(root.thresholds.root) needed.")
        }
    }

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Checks trust.json: structure, signatures, expiry.", discussion: "  penstock trust verify")
        @OptionGroup var home: HomeOptions

        func run() async throws {
            let root = try home.resolved.trustRoot()
            guard !root.isExpired(at: SystemClock().now()) else {
                throw Failure.no("the trust root expired on \(root.expires): serving and rolling back go on, raising exposure does not")
            }
            print("\(root.system)/\(root.environment) version \(root.version) holds: signed by enough of its people, valid until \(root.expires).")
        }
    }
}
