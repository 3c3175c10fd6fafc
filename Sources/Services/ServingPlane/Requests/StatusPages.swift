// What a node says about itself.
internal import NIOHTTP1
internal import Primitives
private import Synchronization

/// Health, status and metrics, for orchestrators and people.
final class StatusPages: Sendable {
    private let current: CurrentSnapshot
    private let metrics: ServingMetrics
    private let node: NodeID
    private struct Shown {
        var table: String?
        var refusals: [ServiceName: String] = [:]
    }
    private let shown = Mutex(Shown())

    init(node: NodeID, current: CurrentSnapshot, metrics: ServingMetrics) {
        self.node = node
        self.current = current
        self.metrics = metrics
    }

    func show(table order: String) { shown.withLock { $0.table = order } }

    func show(refusal reason: String?, of service: ServiceName) { shown.withLock { $0.refusals[service] = reason } }

    func answer(_ method: HTTPMethod, _ path: String) -> (Reply, String) {
        let json = "application/json"
        guard method == .GET || method == .HEAD else { return (.refusal(405, "\(path.prefix(100)) is read with GET"), json) }
        switch path {
        case "/health/live": return (Reply(status: 200, body: Array(#"{"live":true}"#.utf8)), json)
        case "/health/ready":
            guard !current.value.slots.isEmpty else { return (.refusal(503, "nothing is released on this node yet"), json) }
            return (Reply(status: 200, body: Array(#"{"ready":true}"#.utf8)), json)
        case "/v1/status": return (Reply(status: 200, body: StrictJSON.encode(status())), json)
        case "/metrics": return (Reply(status: 200, body: Array(openMetrics().utf8)), "application/openmetrics-text; version=1.0.0; charset=utf-8")
        default: return (.refusal(404, "there is nothing here; decisions are asked for with POST /v1/decisions/SERVICE"), json)
        }
    }

    private struct Status: Encodable {
        struct Candidate: Encodable {
            var release: String
            var spec: Digest
            var share: Double
        }
        struct Service: Encodable {
            var service: ServiceName
            var release: String
            var version: String?
            var spec: Digest
            var candidate: Candidate?
            var standby: String?
            /// How long going back took in the rehearsal.
            var rehearsedMilliseconds: Double?
            var errors: Int
            /// Why a newer route is not served.
            var refused: String?
        }
        var node: NodeID
        var table: String?
        var services: [Service]
    }

    private func status() -> Status {
        let (order, refusals) = shown.withLock { ($0.table, $0.refusals) }
        let services = current.value.slots.sorted { $0.key < $1.key }.map { name, slot in
            Status.Service(
                service: name, release: slot.champion.stamp.release.text, version: slot.champion.stamp.version, spec: slot.champion.stamp.spec,
                candidate: slot.candidate.map { .init(release: $0.stamp.release.text, spec: $0.stamp.spec, share: slot.share) },
                standby: slot.standby?.stamp.release.text, rehearsedMilliseconds: slot.rehearsedMilliseconds, errors: slot.champion.errorCount, refused: refusals[name])
        }
        return Status(node: node, table: order, services: services)
    }

    private func openMetrics() -> String {
        var lines = ["# TYPE penstock_decisions counter"]
        for (name, slot) in current.value.slots.sorted(by: { $0.key < $1.key }) {
            for arm in [slot.champion, slot.candidate].compactMap({ $0 }) {
                for (outcome, count) in arm.counts.sorted(by: { $0.outcome < $1.outcome }) {
                    lines.append("penstock_decisions_total{service=\"\(name)\",release=\"\(arm.stamp.release)\",decision=\"\(outcome)\"} \(count)")
                }
                lines.append("penstock_decisions_total{service=\"\(name)\",release=\"\(arm.stamp.release)\",decision=\"errored\"} \(arm.errorCount)")
            }
        }
        return lines.joined(separator: "\n") + "\n" + metrics.openMetrics
    }
}
