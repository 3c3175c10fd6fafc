// The control plane as a process of its own.
import ArgumentParser
import ControlPlane
import Evidence
import FileArtifacts
import Foundation
import LocalProcesses
import Logging
import ModelEngines
import Ports
import Primitives
import ReleaseController
import SQLiteDecisions
import SQLiteLedger
import SandboxedProbe
import ServiceLifecycle
import YAMLDocuments

struct ControlPlaneCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "control-plane", abstract: "Runs the control plane of an installation in the foreground; 'penstock up' starts it for you.",
        discussion: "  penstock control-plane --home .penstock --listen 127.0.0.1:8440")
    @OptionGroup var home: HomeOptions
    @Option(help: "Where to listen.") var listen: ListenAddress = .init(host: "127.0.0.1", port: 8440)

    func run() async throws {
        let home = home.resolved
        try home.requireInitialised()
        let root = try home.trustRoot()
        let envelope = try home.trustEnvelope()
        let logger = ProgramLog.start(named: "control-plane")
        let artifacts = try FileArtifacts(folder: home.artifacts)
        let ledger = try SQLiteLedger(path: home.database, origin: root.ledgerOrigin)
        let decisions = try SQLiteDecisions(path: home.decisions, random: SystemRandom())
        try await ledger.verify()
        try await Self.checkAgainstSaved(ledger, root)
        let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let runner = await ProbeProcess(
            executable: program,
            libraryDirectories: ModelEngines.libraryDirectories(
                setting: ProcessInfo.processInfo.environment["PENSTOCK_LIBRARIES"], program: program, workingDirectory: FileManager.default.currentDirectoryPath))
        let controller = ReleaseController(
            .init(
                store: ledger, artifacts: artifacts, parser: YAMLDocumentParser(), probe: SandboxedProbe(artifacts: artifacts, runner: runner),
                comparisons: decisions, clock: SystemClock(),
                random: SystemRandom(), logger: logger),
            keys: ServiceKeys(
                controlPlane: try KeyFiles.signingKey(home.keys + "/control-plane.key"), ledger: try KeyFiles.signingKey(home.keys + "/ledger.key"),
                validator: try KeyFiles.signingKey(home.keys + "/validator.key")))
        try await controller.open(trust: envelope)
        let server = try ControlPlaneServer(
            .init(system: root.system, environment: root.environment, version: programVersion, host: listen.host, port: listen.port), desk: controller, ledger: ledger,
            artifacts: artifacts, decisions: decisions, clock: SystemClock(), tokens: try TokenTable(json: try Files.read(home.tokens)), logger: logger)
        try await ServiceGroup(services: [controller, server], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger).run()
    }

    /// The history must continue the last checkpoint that was signed here.
    private static func checkAgainstSaved(_ ledger: SQLiteLedger, _ root: TrustRoot) async throws {
        guard let note = try await ledger.checkpoint() else { return }
        let saved = try Checkpoint.open(note, origin: root.ledgerOrigin, key: root.services.ledger)
        let position = try await ledger.position()
        let proof = try await ledger.consistencyProof(from: saved.size, to: position.size)
        guard let proof, MerkleProof.verifyConsistency(from: saved.size, root: saved.root, to: position.size, root: position.root, proof: proof) else {
            throw Failure.no("the ledger does not continue the checkpoint that was signed at \(saved.size) entries; restore the database from a backup")
        }
    }
}

/// `host:port`.
struct ListenAddress: ExpressibleByArgument {
    var host: String
    var port: Int

    init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    init?(argument: String) {
        guard let colon = argument.lastIndex(of: ":"), let port = Int(argument[argument.index(after: colon)...]), (0...65535).contains(port) else { return nil }
        self.init(host: String(argument[..<colon]).trimmingCharacters(in: ["[", "]"]), port: port)
    }

    var text: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
    var defaultValueDescription: String { text }
}

enum ProgramLog {
    /// Lines on standard error; PENSTOCK_LOG names the level.
    static func start(named label: String) -> Logger {
        LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
        var logger = Logger(label: label)
        logger.logLevel = ProcessInfo.processInfo.environment["PENSTOCK_LOG"].flatMap { Logger.Level(rawValue: $0) } ?? .info
        return logger
    }
}
