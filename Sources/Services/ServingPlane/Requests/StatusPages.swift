// What a node says about itself.
internal import NIOHTTP1
internal import Primitives
private import Synchronization

/// Health, status and metrics, for orchestrators and people.
final class StatusPages: Sendable {
    private let current: CurrentSnapshot
    private let metrics: ServingMetrics
    private let node: NodeID
    private let table = Mutex<String?>(nil)

    init(node: NodeID, current: CurrentSnapshot, metrics: ServingMetrics) {
        self.node = node
        self.current = current
        self.metrics = metrics
    }

    func show(table order: String) { table.withLock { $0 = order } }

    func answer(_ method: HTTPMethod, _ path: String) -> (Reply, String) {
        let json = "application/json"
        guard method == .GET || method == .HEAD else { return (.refusal(405, "\(path.prefix(100)) is read with GET"), json) }
        switch path {
        case "/health/live": return (Reply(status: 200, body: Array(#"{"live":true}"#.utf8)), json)
        case "/health/ready":
            guard !current.value.slots.isEmpty else { return (.refusal(503, "nothing is released on this node yet"), json) }
            return (Reply(status: 200, body: Array(#"{"ready":true}"#.utf8)), json)
        case "/v1/status": return (Reply(status: 200, body: StrictJSON.encode(status())), json)
        case "/metrics": return (Reply(status: 200, body: Array(metrics.openMetrics.utf8)), "application/openmetrics-text; version=1.0.0; charset=utf-8")
        default: return (.refusal(404, "there is nothing here; decisions are asked for with POST /v1/decisions/SERVICE"), json)
        }
    }

    private struct Status: Encodable {
        struct Service: Encodable {
            var service: ServiceName
            var release: String
            var version: String?
            var spec: Digest
            var standby: String?
            var errors: Int
        }
        var node: NodeID
        var table: String?
        var services: [Service]
    }

    private func status() -> Status {
        let services = current.value.slots.sorted { $0.key < $1.key }.map { name, slot in
            Status.Service(
                service: name, release: slot.champion.stamp.release.text, version: slot.champion.stamp.version, spec: slot.champion.stamp.spec,
                standby: slot.standby?.stamp.release.text, errors: slot.champion.errorCount)
        }
        return Status(node: node, table: table.withLock { $0 }, services: services)
    }
}

/// Counters of a node, with few fixed labels. Relaxed: totals, not an order.
final class ServingMetrics: Sendable {
    private static let bounds: [Int64] = [50, 100, 250, 500, 1000, 5000]
    private let answered = Atomic<Int>(0)
    private let refused = Atomic<Int>(0)
    private let failed = Atomic<Int>(0)
    private let reading = Atomic<Int>(0)
    private let buckets = Mutex([Int](repeating: 0, count: ServingMetrics.bounds.count + 1))

    /// Requests whose head has come and whose answer has not gone.
    var underWay: Int { reading.load(ordering: .relaxed) }

    func begin() { reading.add(1, ordering: .relaxed) }

    func end() { reading.subtract(1, ordering: .relaxed) }

    func count(status: Int, microseconds: Int64) {
        switch status {
        case ..<400: answered.add(1, ordering: .relaxed)
        case ..<500: refused.add(1, ordering: .relaxed)
        default: failed.add(1, ordering: .relaxed)
        }
        let bucket = Self.bounds.firstIndex { microseconds <= $0 } ?? Self.bounds.count
        buckets.withLock { $0[bucket] += 1 }
    }

    var openMetrics: String {
        var lines = ["# TYPE penstock_requests counter"]
        for (name, counter) in [("answered", answered.load(ordering: .relaxed)), ("refused", refused.load(ordering: .relaxed)), ("failed", failed.load(ordering: .relaxed))] {
            lines.append("penstock_requests_total{result=\"\(name)\"} \(counter)")
        }
        lines.append("# TYPE penstock_request_seconds histogram")
        var total = 0
        for (bucket, count) in buckets.withLock({ $0 }).enumerated() {
            total += count
            let bound = bucket < Self.bounds.count ? String(Double(Self.bounds[bucket]) / 1e6) : "+Inf"
            lines.append("penstock_request_seconds_bucket{le=\"\(bound)\"} \(total)")
        }
        lines.append("penstock_request_seconds_count \(total)")
        return lines.joined(separator: "\n") + "\n# EOF\n"
    }
}
