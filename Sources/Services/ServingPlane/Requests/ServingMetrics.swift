// What a node counts about its requests.
private import Synchronization

/// One number that any thread may raise. A class, so that a list of them needs no lock.
final class Counter: Sendable {
    private let count = Atomic<Int>(0)

    func add(_ amount: Int = 1) { count.add(amount, ordering: .relaxed) }

    var value: Int { count.load(ordering: .relaxed) }
}

/// Counters of a node, with few fixed labels. Relaxed: totals, not an order.
final class ServingMetrics: Sendable {
    private static let bounds: [Int64] = [50, 100, 250, 500, 1000, 5000]
    private let answered = Counter()
    private let refused = Counter()
    private let failed = Counter()
    private let reading = Counter()
    /// Decisions that were answered although the log did not take their buffered record.
    let unrecorded = Counter()
    /// Requests that were refused because they could not be recorded.
    let unkept = Counter()
    private let microseconds = Counter()
    private let buckets = (0...ServingMetrics.bounds.count).map { _ in Counter() }
    private let draining = Atomic<Bool>(false)

    /// Requests whose head has come and whose answer has not gone.
    var underWay: Int { reading.value }

    /// From now on each connection closes with its next answer.
    var isDraining: Bool { draining.load(ordering: .relaxed) }

    func beginDraining() { draining.store(true, ordering: .relaxed) }

    func begin() { reading.add() }

    func end() { reading.add(-1) }

    /// `microseconds` from the request's last byte to its answer's first.
    func count(status: Int, microseconds: Int64) {
        switch status {
        case ..<400: answered.add()
        case ..<500: refused.add()
        default: failed.add()
        }
        self.microseconds.add(Int(microseconds))
        buckets[Self.bounds.firstIndex { microseconds <= $0 } ?? Self.bounds.count].add()
    }

    var openMetrics: String {
        var lines = ["# TYPE penstock_requests counter"]
        for (name, counter) in [("answered", answered), ("refused", refused), ("failed", failed)] {
            lines.append("penstock_requests_total{result=\"\(name)\"} \(counter.value)")
        }
        lines.append("# TYPE penstock_request_seconds histogram")
        var total = 0
        for (bucket, counter) in buckets.enumerated() {
            total += counter.value
            let bound = bucket < Self.bounds.count ? String(Double(Self.bounds[bucket]) / 1e6) : "+Inf"
            lines.append("penstock_request_seconds_bucket{le=\"\(bound)\"} \(total)")
        }
        lines.append("penstock_request_seconds_sum \(Double(microseconds.value) / 1e6)")
        lines.append("penstock_request_seconds_count \(total)")
        return lines.joined(separator: "\n") + "\n# EOF\n"
    }
}
