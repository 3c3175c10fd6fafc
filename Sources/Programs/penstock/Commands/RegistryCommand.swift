// Model versions: adding, measuring and showing them.
import ArgumentParser
import Contracts
import ControlPlaneClient
import Evidence
import Foundation
import Inference
import ModelEngines
import Ports
import Primitives
import Registry
import YAMLDocuments

struct RegistryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "registry", abstract: "Records model versions, and says what is live.", discussion: "  penstock registry live",
        subcommands: [Add.self, Evaluate.self, List.self, Show.self, Lineage.self, Live.self])

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Records a model file as the next version: artifact, signature, evaluation.",
            discussion: """
                You sign what you register. With --data, the version is then measured on that CSV file by the serving runtime.

                  penstock registry add --name flight-delay --model model.txt --contract contracts/training.yaml \\
                    --data holdout.csv --key ada.key
                """)
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions
        @Option(help: "The model's name.") var name: ModelName
        @Option(help: "The model file.") var model: String
        @Option(help: "The training contract: its feature columns are the signature.") var contract: String
        @Option(help: "A CSV file that follows the contract, held out from training.") var data: String?
        @Option(help: "The model file's format.") var format = "lightgbm"
        @Option(help: "A word for those who come after.") var note = ""
        @Option(help: "Your private key file.") var key: String

        func run() async throws {
            let signer = try Signer(key: key, home: connection.home.resolved)
            let contractFile = try ServiceFiles.File(contract)
            let signature = try ModelSignature(trainingContract: try DataContract.read(contractFile.document))
            let artifact = try FileDigest(model)
            try requireReadable(features: signature.features.count)
            let dataset = try data.map { try FileDigest($0) }
            let view = try await connection.withClient { client in
                let taken = try await client.modelVersions().filter { $0.registration.version.model == name }.map(\.registration.version.number)
                let version = ModelVersionID(model: name, number: (taken.max() ?? 0) + 1)
                try await client.upload(contractFile.bytes, as: contractFile.digest)
                _ = try await client.upload(file: model)
                if let data { _ = try await client.upload(file: data) }
                let registration = Registration(
                    version: version, artifact: artifact.digest, bytes: artifact.bytes, format: format, contract: contractFile.digest, signature: signature.digest,
                    author: signer.person.id, registered: SystemClock().now(), note: note)
                var view = try await client.register(Envelope(signing: registration.statement, as: statementPayloadType, by: [signer.key]))
                if let dataset {
                    do throws(ClientError) { view.evaluations.append(try await client.evaluate(version, dataset: dataset.digest)) } catch {
                        var failure = Failure(translating: error) ?? .unavailable(error.message)
                        failure.message = "\(version) is registered, but not measured: \(error.message); measure it with 'penstock registry evaluate \(version) --data …'"
                        throw failure
                    }
                }
                return view
            }
            RegistryCommand.show(view, output)
        }

        /// A version is for ever, so a file that cannot be served does not become one.
        private func requireReadable(features: Int) throws {
            do throws(ModelEngineError) {
                _ = try ModelEngines().load(Array(FileManager.default.contents(atPath: model) ?? Data()), format: format, features: features)
            } catch {
                let message = "\(model): \(error.message)"
                throw error.code == .libraryMissing ? Failure.unavailable(message) : Failure.badInput(message)
            }
        }
    }

    struct Evaluate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Measures a version on a CSV file with the serving runtime, and records the statement.",
            discussion: "  penstock registry evaluate flight-delay@1 --data holdout.csv")
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "The version, such as flight-delay@1.") var version: ModelVersionID
        @Option(help: "A CSV file that follows the training contract.") var data: String

        func run() async throws {
            let dataset = try FileDigest(data)
            let view = try await connection.withClient { client in
                _ = try await client.upload(file: data)
                _ = try await client.evaluate(version, dataset: dataset.digest)
                return try await client.modelVersion(version)
            }
            RegistryCommand.show(view, output)
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists all model versions.", discussion: "  penstock registry list")
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let views = try await connection.withClient { try await $0.modelVersions() }
            output.show(
                views, columns: ["version", "artifact", "format", "author", "registered", "evaluations"],
                rows: views.map {
                    let registration = $0.registration
                    return [
                        registration.version.description, registration.artifact.short, registration.format, registration.author.text, registration.registered.description,
                        String($0.evaluations.count),
                    ]
                }, empty: "No model version yet; record one with 'penstock registry add'.")
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Shows one version and what was measured.", discussion: "  penstock registry show flight-delay@1")
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "The version, such as flight-delay@1.") var version: ModelVersionID

        func run() async throws { RegistryCommand.show(try await connection.withClient { try await $0.modelVersion(version) }, output) }
    }

    struct Lineage: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Follows a version, or a decision, back to the raw files: what made each output, and from what.",
            discussion: """
                  penstock registry lineage flight-delay@1
                  penstock registry lineage 0f3c8a31e7b94d6ab1c2d3e4f5061728 --output json
                """)
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "The version, such as flight-delay@1, or a decision's id.") var subject: Subject

        enum Subject: ExpressibleByArgument {
            case version(ModelVersionID)
            case decision(DecisionID)

            init?(argument: String) {
                if let decision = DecisionID(argument: argument) {
                    self = .decision(decision)
                } else if let version = ModelVersionID(argument: argument) {
                    self = .version(version)
                } else {
                    return nil
                }
            }
        }

        func run() async throws {
            let view = try await connection.withClient { client in
                try await client.lineage(of: try await version(client))
            }
            if output.output == .table { print("\(view.version)  \(view.artifact), registered by \(view.author)") }
            output.show(
                view, columns: ["output", "digest", "made by", "from", "signed by"],
                rows: view.steps.map { step in
                    let from = step.dependencies.filter { ["input.", "source."].contains(where: ($0.name ?? "").hasPrefix) }.map { dependency in
                        let place = dependency.uri.split(separator: ":").last.map(String.init) ?? dependency.uri
                        return "\(place) \(dependency.digest["sha256"]?.prefix(12) ?? "")"
                    }
                    return [
                        step.output, step.digest.short, "\(step.command) (\(step.invocation))", from.joined(separator: ", "), step.signedBy.map(\.text).joined(separator: ", "),
                    ]
                }, empty: "Nobody recorded how it came about; versions that 'penstock run' registers have a lineage.")
        }

        private func version(_ client: ControlPlaneClient) async throws -> ModelVersionID {
            switch subject {
            case .version(let version): return version
            case .decision(let decision):
                let story = try await client.decision(decision)
                guard let decided = story.version, let version = ModelVersionID(argument: decided) else {
                    throw Failure.no("\(decision) was answered by \(story.release.id), the fallback, which has no model")
                }
                if output.output == .table { print("\(decision) of \(story.service), answered by \(story.release.id) with \(version)") }
                return version
            }
        }
    }

    struct Live: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Says what was live at an instant: meant and seen, and on what evidence.",
            discussion: "  penstock registry live\n  penstock registry live --at 2026-11-24T12:00:00Z --output json")
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions
        @Option(help: "The instant, RFC 3339. Default: now.") var at: Instant?

        func run() async throws {
            let views = try await connection.withClient { try await $0.live(at: at) }
            output.show(
                views, columns: ["service", "release", "model", "table", "approved by", "seen on", "evidence"],
                rows: views.map { view in
                    [
                        view.service.text, view.release.text, view.model?.description ?? "fallback", view.order.description,
                        view.approvedBy.map(\.text).joined(separator: ", "), view.observedOn.map(\.text).joined(separator: ", "),
                        view.criteria.map { "\($0.criterion): \($0.verdict.rawValue)" }.joined(separator: "; "),
                    ]
                }, empty: "Nothing was live then.")
        }
    }

    static func show(_ view: ModelVersionView, _ output: OutputOptions) {
        let registration = view.registration
        if output.output == .table {
            print("\(registration.version)  \(registration.format), \(registration.bytes) bytes, \(registration.artifact)")
            print("  signature \(registration.signature.short) of contract \(registration.contract.short), by \(registration.author), \(registration.registered)")
        }
        output.show(
            view, columns: ["measured", "rows", "data", "metrics"],
            rows: view.evaluations.map { evaluation in
                let metrics = evaluation.metrics.sorted { $0.key < $1.key }.map { "\($0.key) \(String(format: "%.4f", $0.value))" }.joined(separator: "  ")
                return [evaluation.measured.description, String(evaluation.rows), evaluation.dataset.short, metrics]
            }, empty: "  not evaluated yet; run 'penstock registry evaluate \(registration.version) --data holdout.csv'")
    }
}

/// A file's size and digest, read in pieces.
struct FileDigest {
    var digest: Digest
    var bytes: Int

    init(_ path: String) throws {
        guard let handle = FileHandle(forReadingAtPath: path) else { throw Failure.missingFile("the file \(path) cannot be read; check the name and its permissions") }
        defer { try? handle.close() }
        var hasher = DigestHasher()
        var count = 0
        do {
            while let data = try handle.read(upToCount: 1 << 20), !data.isEmpty {
                hasher.update(Array(data))
                count += data.count
            }
        } catch { throw Failure.missingFile("\(path) cannot be read as a file; check that it is one") }
        digest = hasher.finalize()
        bytes = count
    }
}
