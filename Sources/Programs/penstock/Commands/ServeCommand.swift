// A serving node as a process of its own.
import ArgumentParser
import ControlPlaneClient
import Evidence
import FileArtifacts
import Foundation
import Logging
import ModelEngines
import Ports
import Primitives
import SegmentLog
import ServiceLifecycle
import ServingPlane
import YAMLDocuments

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Runs a serving node in the foreground; 'penstock up' starts one for you.",
        discussion: """
            The node believes nothing but the trust root that it is started with. It keeps what it serves in --node-home, and serves on from there without \
            a control plane.

              penstock serve --trust trust.json --node node-1 --node-home nodes/node-1 --control http://127.0.0.1:8440
            """)
    @Option(help: "The trust root.") var trust: String
    @Option(help: "This node's name in the trust root.") var node: NodeID
    @Option(help: "The node's own folder, with node.key, node.token and record.key.") var nodeHome: String
    @Option(help: "The control plane.") var control: String
    @Option(help: "Where to listen.") var listen: ListenAddress = .init(host: "127.0.0.1", port: 8441)
    @Option(help: "Event loop threads. Default: one a core.") var threads: Int?

    func run() async throws {
        let root = try TrustFile.root(trust)
        let key = try KeyFiles.signingKey(nodeHome + "/node.key")
        guard root.nodes[node] == key.verificationKey else {
            throw Failure.refused(
                "\(nodeHome)/node.key is not the key that \(trust) lists for node '\(node)'; it lists \(root.nodes.keys.sorted().map(\.text).joined(separator: ", "))")
        }
        let token = try Files.text(nodeHome + "/node.token")
        let keyFile = nodeHome + "/record.key"
        let recordKey = FileManager.default.fileExists(atPath: keyFile) ? try KeyFiles.recordKey(keyFile) : nil
        let logger = ProgramLog.start(named: node.text)
        let client = try ControlPlaneClient(url: control, token: token)
        let opened = OpenedLog.open(nodeHome + "/decisions", node)
        let log = opened.log
        do {
            let node = try ServingNode(
                .init(host: listen.host, port: listen.port, threads: threads ?? ProcessInfo.processInfo.activeProcessorCount, folder: nodeHome),
                .init(
                    link: ControlPlaneNodeLink(client), artifacts: try FileArtifacts(folder: nodeHome + "/artifacts"), engine: ModelEngines(),
                    parser: YAMLDocumentParser(), clock: SystemClock(), logger: logger,
                    records: recordKey.map { NodeRecords(log: log, key: $0) }),
                trust: root, node: node, key: key)
            opened.announce(logger)
            try await ServiceGroup(services: [node], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger).run()
        } catch {
            await (log as? SegmentLog)?.close()
            await client.shutdown()
            throw error
        }
        await (log as? SegmentLog)?.close()
        await client.shutdown()
    }
}

/// The node's decision log. One that cannot be opened stops what records, and nothing else.
private struct OpenedLog {
    var log: any DecisionLog
    var failure: DecisionLogError?

    static func open(_ folder: String, _ node: NodeID) -> OpenedLog {
        do throws(DecisionLogError) { return OpenedLog(log: try SegmentLog(folder: folder, node: node)) } catch {
            return OpenedLog(log: ClosedLog(error), failure: error)
        }
    }

    /// Once it is certain that the node starts: a refusal to start is one sentence.
    func announce(_ logger: Logger) {
        if let failure {
            return logger.error("the decision log is not open; decisions that are recorded durably are refused", metadata: ["reason": "\(failure)"])
        }
        let status = log.status()
        let cut = (log as? SegmentLog)?.opening.cutBytes ?? 0
        logger.info("the decision log is open", metadata: ["durable": "\(status.durable)", "acknowledged": "\(status.acknowledged)", "cut": "\(cut)"])
    }
}
