// Every address of the control plane's API.
private import Hummingbird

/// The API, row by row. A route that is not here does not exist.
package enum RouteTable {
    package static let routes: [Route] = [system, registry, releases, nodes, decisions, ledger].flatMap { $0 }

    private static let both: Set<TokenKind> = [.operator, .node]

    private static let system: [Route] = [
        Route("GET", "/health", for: [], Handlers.health),
        Route("GET", "/v1/status", for: [.operator], Handlers.status),
    ]

    private static let registry: [Route] = [
        Route("PUT", "/v1/artifacts/{digest}", for: [.operator], body: .bytes, Handlers.putArtifact),
        Route("GET", "/v1/artifacts/{digest}", for: both, Handlers.getArtifact),
        Route("HEAD", "/v1/artifacts/{digest}", for: both, Handlers.headArtifact),
        Route("POST", "/v1/models", for: [.operator], body: .json, Handlers.register),
        Route("GET", "/v1/models", for: [.operator], Handlers.modelVersions),
        Route("GET", "/v1/models/{name}/{number}", for: [.operator], Handlers.modelVersion),
        Route("GET", "/v1/models/{name}/{number}/lineage", for: [.operator], Handlers.lineage),
        Route("POST", "/v1/provenance", for: [.operator], body: .json, Handlers.recordProvenance),
        Route("POST", "/v1/models/{name}/{number}/evaluations", for: [.operator], body: .json, Handlers.evaluate),
    ]

    private static let releases: [Route] = [
        Route("POST", "/v1/releases", for: [.operator], body: .json, Handlers.propose),
        Route("GET", "/v1/releases", for: [.operator], Handlers.releases),
        Route("GET", "/v1/releases/{id}", for: [.operator], Handlers.release),
        Route("POST", "/v1/releases/{id}/answers", for: [.operator], body: .json, Handlers.answer),
        Route("POST", "/v1/releases/{id}/stop", for: [.operator], body: .json, Handlers.stop),
        Route("POST", "/v1/releases/{id}/advance", for: [.operator], body: .json, Handlers.advance),
        Route("GET", "/v1/releases/{id}/rollout", for: [.operator], Handlers.rollout),
    ]

    private static let nodes: [Route] = [
        Route("GET", "/v1/routing", for: both, query: ["newer-than", "nonce"], Handlers.routing),
        Route("POST", "/v1/observations", for: [.node], body: .json, Handlers.observe),
        Route("GET", "/v1/nodes", for: [.operator], Handlers.nodes),
        Route("GET", "/v1/live", for: [.operator], query: ["at"], Handlers.live),
    ]

    private static let decisions: [Route] = [
        Route("POST", "/v1/entries", for: [.node], body: .batch, Handlers.takeEntries),
        Route("GET", "/v1/decisions/{id}", for: [.operator], Handlers.decision),
        Route("GET", "/v1/reports/{service}", for: [.operator], query: ["from", "to"], Handlers.report),
    ]

    private static let ledger: [Route] = [
        Route("GET", "/v1/ledger/checkpoint", for: [.operator], Handlers.checkpoint),
        Route("GET", "/v1/ledger/export", for: [.operator], Handlers.export),
    ]
}
