// What a node says about itself.
internal import NIOCore
internal import NIOHTTP1
internal import Ports
internal import Primitives
private import Synchronization

/// Health, status and metrics, for orchestrators and people.
final class StatusPages: Sendable {
    private let current: CurrentSnapshot
    private let metrics: ServingMetrics
    private let node: NodeID
    private let log: (any DecisionLog)?
    private let exposing: ExposingState
    private struct Shown {
        var table: String?
        var refusals: [ServiceName: String] = [:]
    }
    private let shown = Mutex(Shown())

    init(node: NodeID, current: CurrentSnapshot, metrics: ServingMetrics, log: (any DecisionLog)?, exposing: ExposingState) {
        self.exposing = exposing
        self.log = log
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
            guard !current.value.slots.isEmpty else { return (.refusal(503, "this node serves no release yet; GET /v1/status says what it refused, if anything"), json) }
            return (Reply(status: 200, body: Array(#"{"ready":true}"#.utf8)), json)
        case "/v1/status": return (Reply(status: 200, body: StrictJSON.encode(status())), json)
        case "/metrics": return (Reply(status: 200, body: Array(openMetrics().utf8)), "application/openmetrics-text; version=1.0.0; charset=utf-8")
        default: return (.refusal(404, "there is nothing here; decisions are asked for with POST /v1/decisions/SERVICE"), json)
        }
    }

    private struct Status: Encodable {
        struct Arm: Encodable {
            var release: String
            var version: String?
            var spec: Digest
            /// Of answered requests; the champion has what no candidate takes.
            var share: Double
            var errors: Int

            init(_ arm: ServingArm, share: Double) {
                release = arm.stamp.release.text
                version = arm.stamp.version
                spec = arm.stamp.spec
                self.share = share
                errors = arm.errorCount
            }
        }
        /// A release on its way, and how it is compared.
        struct Candidate: Encodable {
            var release: String
            var version: String?
            var spec: Digest
            /// Of answered requests, now: zero in shadow, while paused, and without a lease.
            var share: Double
            /// By the table.
            var plannedShare: Double
            var step: Int
            var leaseSeconds: Double
            var compared: Int
            /// In the sample, and not scored by both.
            var missing: Int
            /// Comparisons that no log took.
            var lost: Int
            var errors: Int
            /// A score takes more than a second: the model hangs, or finds no idle time.
            var hangs: Bool

            init(_ exposure: Exposure, at now: NIODeadline, hangs: Bool) {
                release = exposure.candidate.stamp.release.text
                version = exposure.candidate.stamp.version
                spec = exposure.spec
                share = exposure.share(at: now)
                plannedShare = exposure.plannedShare
                step = exposure.step
                leaseSeconds = Double(exposure.keeping.gate.left(at: now).nanoseconds / 1_000_000) / 1000
                compared = exposure.keeping.counts.written.value
                missing = exposure.keeping.counts.missing.value
                lost = exposure.keeping.counts.lost.value
                errors = exposure.candidate.errorCount
                self.hangs = hangs
            }
        }
        struct Vetoed: Encodable {
            var service: ServiceName
            var release: String
            var spec: Digest
            var reason: String
            var at: Instant
        }
        struct Service: Encodable {
            var service: ServiceName
            /// `nil` while no release of it can be served here.
            var champion: Arm?
            var candidate: Candidate?
            var standby: String?
            /// How long going back took in the rehearsal.
            var rehearsedMilliseconds: Double?
            /// Why what the newest table asks for is not served.
            var refused: String?
        }
        /// The decision log.
        struct Log: Encodable {
            var last: UInt64
            var durable: UInt64
            var acknowledged: UInt64
            var bytes: Int
            var waiting: Int
            var overloaded: UInt64
            /// Decisions that were answered and are not recorded.
            var lost: UInt64
            var broken: String?
        }
        var node: NodeID
        var table: String?
        var services: [Service]
        /// Releases that this node exposes no more, the newest last.
        var vetoes: [Vetoed]
        var log: Log?
    }

    private func status() -> Status {
        let (order, refusals) = shown.withLock { ($0.table, $0.refusals) }
        let slots = current.value.slots
        let now = NIODeadline.now(), hangs = exposing.comparer?.isHanging ?? false
        let services = Set(slots.keys).union(refusals.keys).sorted().map { name in
            let slot = slots[name]
            return Status.Service(
                service: name, champion: slot.map { Status.Arm($0.champion, share: 1 - ($0.exposure?.share(at: now) ?? 0)) },
                candidate: slot?.exposure.map { Status.Candidate($0, at: now, hangs: hangs) },
                standby: slot?.standby?.stamp.release.text, rehearsedMilliseconds: slot?.rehearsedMilliseconds, refused: refusals[name])
        }
        let log = log?.status()
        return Status(
            node: node, table: order, services: services,
            vetoes: exposing.brake.vetoes.all.suffix(20).map { .init(service: $0.service, release: $0.release.text, spec: $0.spec, reason: $0.reason, at: $0.at) },
            log: log.map {
                Status.Log(
                    last: $0.last, durable: $0.durable, acknowledged: $0.acknowledged, bytes: $0.bytes, waiting: $0.waiting, overloaded: $0.overloaded,
                    lost: $0.lost + UInt64(metrics.unrecorded.value), broken: $0.broken)
            })
    }

    private func exposureMetrics() -> [String] {
        let now = NIODeadline.now()
        let exposures = current.value.exposures.map { ("{service=\"\($0.candidate.stamp.service)\",release=\"\($0.candidate.stamp.release)\"", $0) }.sorted { $0.0 < $1.0 }
        var lines = ["# TYPE penstock_candidate_share gauge"]
        lines += exposures.map { "penstock_candidate_share\($0)} \($1.share(at: now))" }
        lines.append("# TYPE penstock_lease_seconds gauge")
        lines += exposures.map { "penstock_lease_seconds\($0)} \(Double($1.keeping.gate.left(at: now).nanoseconds / 1_000_000) / 1000)" }
        lines.append("# TYPE penstock_comparisons counter")
        for (labels, exposure) in exposures {
            let counts = exposure.keeping.counts
            for (result, counter) in [("written", counts.written), ("missing", counts.missing), ("lost", counts.lost)] {
                lines.append("penstock_comparisons_total\(labels),result=\"\(result)\"} \(counter.value)")
            }
        }
        return lines + ["# TYPE penstock_vetoes gauge", "penstock_vetoes \(exposing.brake.vetoes.all.count)"]
    }

    private func logMetrics() -> [String] {
        guard let status = log?.status() else { return [] }
        let gauges: [(name: String, value: UInt64)] = [
            ("last", status.last), ("durable", status.durable), ("acknowledged", status.acknowledged), ("bytes", UInt64(status.bytes)), ("waiting", UInt64(status.waiting)),
            ("broken", status.broken == nil ? 0 : 1),
        ]
        let counters: [(name: String, value: UInt64)] = [
            ("overloaded", status.overloaded), ("lost", status.lost + UInt64(metrics.unrecorded.value)), ("refused", UInt64(metrics.unkept.value)),
        ]
        return gauges.flatMap { ["# TYPE penstock_log_\($0.name) gauge", "penstock_log_\($0.name) \($0.value)"] }
            + counters.flatMap { ["# TYPE penstock_log_\($0.name) counter", "penstock_log_\($0.name)_total \($0.value)"] }
    }

    private func openMetrics() -> String {
        var lines = ["# TYPE penstock_decisions counter"]
        let slots = current.value.slots.sorted { $0.key < $1.key }
        for (name, slot) in slots {
            for arm in [slot.champion, slot.exposure?.candidate].compactMap({ $0 }) {
                for (outcome, count) in arm.counts.sorted(by: { $0.outcome < $1.outcome }) {
                    lines.append("penstock_decisions_total{service=\"\(name)\",release=\"\(arm.stamp.release)\",decision=\"\(outcome)\"} \(count)")
                }
            }
        }
        lines.append("# TYPE penstock_scoring_errors counter")
        for (name, slot) in slots {
            for arm in [slot.champion, slot.exposure?.candidate].compactMap({ $0 }) {
                lines.append("penstock_scoring_errors_total{service=\"\(name)\",release=\"\(arm.stamp.release)\"} \(arm.errorCount)")
            }
        }
        lines += exposureMetrics() + logMetrics()
        return lines.joined(separator: "\n") + "\n" + metrics.openMetrics
    }
}
