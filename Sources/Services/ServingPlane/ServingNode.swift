// A serving node: its listener and its agent.
package import Evidence
package import Logging
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
package import Ports
package import Primitives
internal import Releases
internal import ServiceLifecycle
private import Synchronization

/// Answers decision requests with what was released, with or without a control plane.
///
/// Threads: requests run on event loops and touch only immutable snapshots; loading, verifying and rehearsing run on the agent. Stopping
/// takes no new connections, finishes requests under way, and ends within `drain`.
package final class ServingNode: Service, Sendable {
    package struct Configuration: Sendable {
        package var host: String
        /// 0 takes a free one.
        package var port: Int
        package var threads: Int
        /// The node's own folder: the accepted table is kept here.
        package var folder: String
        package var interval = Duration.milliseconds(250)
        /// Between looks at the decision log, when nothing waits. Each batch becomes an entry of the ledger, so this is not short.
        package var pushInterval = Duration.seconds(2)
        /// The same while a candidate is exposed, so that whoever judges it sees it soon.
        package var urgentPushInterval = Duration.milliseconds(250)
        /// No longer than the lease's own span; shorter only in tests.
        package var leaseSpan = Lease.span
        package var connections = 10_000
        /// From a request's first byte to its answer.
        package var requestSeconds: Int64 = 10
        package var idleSeconds: Int64 = 75
        package var drain = Duration.seconds(10)

        package init(host: String = "127.0.0.1", port: Int, threads: Int, folder: String) {
            self.host = host
            self.port = port
            self.threads = threads
            self.folder = folder
        }
    }

    package struct Dependencies: Sendable {
        package var link: any ControlPlaneLink
        package var artifacts: any ArtifactStore
        package var engine: any ModelEngine
        package var parser: any DocumentParser
        package var clock: any WallClock
        package var logger: Logger
        /// Without them, a release whose decisions are recorded is not served here.
        package var records: NodeRecords?

        package init(
            link: any ControlPlaneLink, artifacts: any ArtifactStore, engine: any ModelEngine, parser: any DocumentParser, clock: any WallClock, logger: Logger,
            records: NodeRecords? = nil
        ) {
            self.link = link
            self.artifacts = artifacts
            self.engine = engine
            self.parser = parser
            self.clock = clock
            self.logger = logger
            self.records = records
        }
    }

    private let configuration: Configuration
    private let logger: Logger
    private let clock: any WallClock
    private let records: NodeRecords?
    private let pusher: RecordPusher?
    private let agent: NodeAgent
    private let exposing: ExposingState
    private let current = CurrentSnapshot()
    private let pages: StatusPages
    private let metrics = ServingMetrics()
    private let open = Atomic<Int>(0)
    private let onStart: @Sendable (Int) -> Void

    /// `onStart` is called with the port once requests are taken.
    package init(
        _ configuration: Configuration, _ dependencies: Dependencies, trust: TrustRoot, node: NodeID, key: SigningKey,
        onStart: @escaping @Sendable (Int) -> Void = { _ in }
    ) throws(ServingError) {
        guard ["127.0.0.1", "::1", "localhost"].contains(configuration.host) else {
            throw ServingError("a node does not listen on '\(configuration.host)': this version has no TLS, so use 127.0.0.1 and a proxy with TLS in front")
        }
        guard trust.nodes[node] == key.verificationKey else {
            throw ServingError("the trust root does not list this key for node '\(node)'; it lists \(trust.nodes.keys.sorted().map(\.text).joined(separator: ", "))")
        }
        guard (1...256).contains(configuration.threads) else { throw ServingError("a node has 1 to 256 threads, not \(configuration.threads)") }
        self.configuration = configuration
        self.onStart = onStart
        logger = dependencies.logger
        clock = dependencies.clock
        records = dependencies.records
        pusher = dependencies.records.map { RecordPusher(log: $0.log, link: dependencies.link, logger: dependencies.logger) }
        exposing = ExposingState(
            folder: configuration.folder, current: current, log: dependencies.records?.log, nodes: trust.nodes.count, leaseSpan: configuration.leaseSpan,
            clock: dependencies.clock, logger: dependencies.logger)
        pages = StatusPages(node: node, current: current, metrics: metrics, log: dependencies.records?.log, exposing: exposing)
        agent = NodeAgent(
            trust: trust, node: node, key: key, link: dependencies.link,
            loader: ReleaseLoader(
                link: dependencies.link, artifacts: dependencies.artifacts, engine: dependencies.engine, parser: dependencies.parser, loops: configuration.threads,
                recordKey: dependencies.records?.key),
            file: TableFile(folder: configuration.folder), current: current, exposing: exposing, pages: pages,
            clock: dependencies.clock, logger: dependencies.logger)
    }

    package func run() async throws {
        exposing.comparer?.start()
        await agent.resume()
        let group = MultiThreadedEventLoopGroup(numberOfThreads: configuration.threads)
        do {
            let listener = try await listen(on: group)
            let port = listener.localAddress?.port ?? configuration.port
            logger.info("the node listens", metadata: ["host": "\(configuration.host)", "port": "\(port)"])
            onStart(port)
            await poll()
            metrics.beginDraining()
            try await listener.close()
            let end = ContinuousClock.now + configuration.drain
            // Idle keep-alive connections are not waited for, only requests under way.
            while metrics.underWay > 0, ContinuousClock.now < end { try await Task.sleep(for: .milliseconds(50)) }
            try await group.shutdownGracefully()
        } catch {
            try? await group.shutdownGracefully()
            await stopExposing()
            throw error
        }
        await stopExposing()
    }

    /// Last, when nothing more is decided: what was not compared is written as that.
    private func stopExposing() async {
        await exposing.comparer?.stop()
        exposing.end()
    }

    private func poll() async {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                group.addTask {
                    while !Task.isCancelled {
                        await self.agent.pass()
                        try? await Task.sleep(for: self.configuration.interval)
                    }
                }
                if self.exposing.comparer != nil {
                    group.addTask {
                        while !Task.isCancelled {
                            await self.agent.renew()
                            try? await Task.sleep(for: .milliseconds(250))
                        }
                    }
                }
                guard let pusher = self.pusher else { return }
                // Its own task: a slow batch holds up no routing table.
                group.addTask {
                    // What a candidate answered last is told as soon as what it answered before.
                    var urgentUntil = ContinuousClock.now
                    while !Task.isCancelled {
                        if !self.current.value.exposures.isEmpty { urgentUntil = .now + .seconds(5) }
                        if await pusher.pass() { continue }
                        try? await Task.sleep(for: .now < urgentUntil ? self.urgentPushInterval : self.configuration.pushInterval)
                    }
                }
            }
        }
    }

    private var urgentPushInterval: Duration { min(configuration.pushInterval, configuration.urgentPushInterval) }

    private func listen(on group: MultiThreadedEventLoopGroup) async throws -> any Channel {
        var indices: [ObjectIdentifier: Int] = [:]
        for loop in group.makeIterator() { indices[ObjectIdentifier(loop)] = indices.count }
        let loops = indices
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try self.start(channel, loop: loops[ObjectIdentifier(channel.eventLoop)] ?? 0) }
            }
        do {
            return try await bootstrap.bind(host: configuration.host, port: configuration.port).get()
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            throw ServingError("port \(configuration.port) of \(configuration.host) is in use: stop the program that has it, or choose another with --listen")
        }
    }

    private func start(_ channel: any Channel, loop: Int) throws {
        guard open.add(1, ordering: .relaxed).newValue <= configuration.connections else {
            open.subtract(1, ordering: .relaxed)
            channel.close(promise: nil)
            return
        }
        channel.closeFuture.whenComplete { _ in self.open.subtract(1, ordering: .relaxed) }
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(RequestDeadline(request: .seconds(configuration.requestSeconds), idle: .seconds(configuration.idleSeconds)))
        try pipeline.configureHTTPServerPipeline(withErrorHandling: true)
        try pipeline.addHandler(
            RequestHandler(
                answering: DecisionAnswering(loop: loop, current: current, records: records, clock: clock, metrics: metrics),
                outcomes: OutcomeAnswering(current: current, records: records, clock: clock), comparer: exposing.comparer, log: records?.log, pages: pages, metrics: metrics))
    }
}
