// The control plane's HTTP server: the route table in front of the release desk, the ledger and the artifacts.
private import Foundation
private import Hummingbird
private import HummingbirdCore
package import Logging
private import NIOCore
package import Ports
package import Primitives
private import ServiceLifecycle

/// Serves the API until it is shut down gracefully: then it takes no new connection, and ends when open requests were answered.
///
/// Everything but `GET /health` needs a token. Answers are durable when the desk says so; this room keeps no state of its own.
package struct ControlPlaneServer: Service {
    package struct Configuration: Sendable {
        package var system: SystemName
        package var environment: EnvironmentName
        /// Of this program, as `GET /v1/status` tells it.
        package var version: String
        /// Loopback only: `127.0.0.1`, `::1` or `localhost`.
        package var host: String
        /// 0 takes a free one; `onStart` says which.
        package var port: Int
        package var limits = ConnectionLimits()

        package init(system: SystemName, environment: EnvironmentName, version: String, host: String = "127.0.0.1", port: Int) {
            self.system = system
            self.environment = environment
            self.version = version
            self.host = host
            self.port = port
        }
    }

    private let configuration: Configuration
    private let rooms: Rooms
    private let tokens: TokenTable
    private let logger: Logger
    private let onStart: @Sendable (Int) async -> Void

    /// `onStart` is called with the port once requests are taken.
    package init(
        _ configuration: Configuration, desk: any ReleaseDesk, ledger: any LedgerStore, artifacts: any ArtifactStore, decisions: any DecisionStore,
        clock: any WallClock, tokens: TokenTable, logger: Logger, onStart: @escaping @Sendable (Int) async -> Void = { _ in }
    ) throws(ControlPlaneError) {
        guard ["127.0.0.1", "::1", "localhost"].contains(configuration.host) else {
            throw ControlPlaneError(
                .address,
                "the control plane does not listen on '\(configuration.host)': this version has no TLS, so use 127.0.0.1 and a tunnel or a TLS proxy in front")
        }
        guard (0...65535).contains(configuration.port) else {
            throw ControlPlaneError(.address, "\(configuration.port) is no port; use 1 to 65535, or 0 for any free one")
        }
        self.configuration = configuration
        rooms = Rooms(
            desk: desk, ledger: ledger, artifacts: artifacts, intake: DecisionIntake(store: decisions, desk: desk), clock: clock,
            system: configuration.system, environment: configuration.environment, version: configuration.version)
        self.tokens = tokens
        self.logger = logger
        self.onStart = onStart
    }

    package func run() async throws {
        let limits = configuration.limits
        var quiet = logger
        // Hummingbird puts data into its messages; what is worth knowing is logged here.
        quiet.logLevel = max(.error, logger.logLevel)
        let application = Application(
            router: router(), server: HTTPServerBuilder { GuardedConnections(responder: $0, limits: limits) },
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.host, port: configuration.port), serverName: nil,
                availableConnectionsDelegate: MaximumAvailableConnections(limits.connections)),
            onServerRunning: { [logger, onStart, configuration] channel in
                let port = channel.localAddress?.port ?? configuration.port
                logger.info("control plane listens", metadata: ["host": "\(configuration.host)", "port": "\(port)"])
                await onStart(port)
            }, logger: quiet)
        do {
            try await application.run()
        } catch {
            throw explain(error)
        }
    }

    private func router() -> Router<BasicRequestContext> {
        let router = Router(context: BasicRequestContext.self)
        router.add(middleware: AnswerEverything(hosts: HostRule(boundHost: configuration.host), logger: logger))
        for route in RouteTable.routes {
            guard let method = HTTPRequest.Method(route.method) else { preconditionFailure("\(route.method) is a method in our own table") }
            let gate = RouteGate(route: route, tokens: tokens, rooms: rooms)
            router.on(RouterPath(route.path), method: method) { request, context in try await gate.answer(request, context) }
        }
        return router
    }

    private func explain(_ error: any Error) -> any Error {
        guard let error = error as? IOError else { return error }
        let place = "\(configuration.host):\(configuration.port)"
        guard error.errnoCode == EADDRINUSE else {
            return ControlPlaneError(.address, "the control plane cannot listen on \(place): \(error)", cause: error)
        }
        return ControlPlaneError(
            .addressInUse, "port \(configuration.port) of \(configuration.host) is in use: stop the program that has it, or choose another with --listen",
            cause: error)
    }
}
