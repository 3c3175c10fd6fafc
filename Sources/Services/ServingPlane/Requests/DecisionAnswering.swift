// From the bytes of a request to the bytes of its answer, without HTTP.
internal import Contracts
internal import Decisions
internal import Inference
internal import NIOCore
internal import Ports
internal import Primitives
internal import Releases

/// An answer before it is put on the wire.
struct Reply {
    var status: Int
    var body: [UInt8]

    static func refusal(_ status: Int, _ message: String) -> Reply {
        Reply(status: status, body: StrictJSON.encode(ErrorBody(error: .init(message: message))))
    }

    private struct ErrorBody: Encodable {
        struct Content: Encodable { var message: String }
        var error: Content
    }
}

/// When a reply may go.
enum Answer {
    case reply(Reply)
    /// When the log has made the payloads durable. When it cannot, the caller gets a 503 in its place.
    case afterDurable([[UInt8]], LogFrame.Kind, Reply)
}

/// Answers requests on one event loop. Owns that loop's scratch row, so that an accepted request allocates only its answer.
struct DecisionAnswering {
    let loop: Int
    let current: CurrentSnapshot
    private let records: NodeRecords?
    private let clock: any WallClock
    private let metrics: ServingMetrics
    private var row: [Double] = []
    private var generator = SystemRandomNumberGenerator()
    /// One origin for the process: the rate limits of a release are shared by all connections, so their times must compare.
    private static let origin = ContinuousClock.now

    init(loop: Int, current: CurrentSnapshot, records: NodeRecords?, clock: any WallClock, metrics: ServingMetrics) {
        self.loop = loop
        self.current = current
        self.records = records
        self.clock = clock
        self.metrics = metrics
    }

    /// `began` is when the request's last byte had come.
    mutating func answer(service text: some StringProtocol, body: UnsafeRawBufferPointer, began: NIODeadline) -> Answer {
        let slots = current.value.slots
        guard let name = ServiceName(text), let slot = slots[name] else {
            guard !slots.isEmpty else { return .reply(.refusal(503, "this node serves no release yet; GET /v1/status says what it refused, if anything")) }
            return .reply(.refusal(404, "there is no decision service '\(text.prefix(63))' here; served are \(slots.keys.sorted().map(\.text).joined(separator: ", "))"))
        }
        let admission = admit(body, slot.champion)
        guard let candidate = slot.candidate, includes(admission, body, slot.assignment) else {
            return reply(admission, slot.champion, body, began)
        }
        return reply(admit(body, candidate), candidate, body, began)
    }

    private mutating func admit(_ body: UnsafeRawBufferPointer, _ arm: ServingArm) -> Admission {
        let count = arm.admission.featureCount
        if row.count < count { row = [Double](repeating: 0, count: count) }
        return row.withUnsafeMutableBufferPointer { arm.admission.admit(body, into: UnsafeMutableBufferPointer(rebasing: $0[..<count])) }
    }

    private func includes(_ admission: Admission, _ body: UnsafeRawBufferPointer, _ assignment: Assignment) -> Bool {
        let entity: EntityKey
        switch admission {
        case .admitted(let key), .outside(_, let key): entity = key
        case .malformed: return false
        }
        switch entity {
        case .none: return false
        case .range(let range): return assignment.includes(entity: UnsafeRawBufferPointer(rebasing: body[range]))
        case .copied(let bytes): return assignment.includes(entity: bytes)
        }
    }

    private mutating func reply(_ admission: Admission, _ arm: ServingArm, _ body: UnsafeRawBufferPointer, _ began: NIODeadline) -> Answer {
        let decision: Decision
        let id = DecisionID(high: generator.next(), low: generator.next())
        switch admission {
        case .malformed(let row): return .reply(.refusal(400, row.message))
        case .outside(let breach, _):
            decision = arm.decideOutside(breach, id: id)
        case .admitted:
            let count = arm.admission.featureCount
            let now = (ContinuousClock.now - Self.origin).wholeMilliseconds
            decision = row.withUnsafeBufferPointer { arm.decide(UnsafeBufferPointer(rebasing: $0[..<count]), loop: loop, id: id, at: now) }
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(320)
        decision.append(to: &bytes)
        let reply = Reply(status: 200, body: bytes)
        guard let recording = arm.recording else { return .reply(reply) }
        return record(decision, recording, reply, body, began)
    }

    /// A buffered record goes to the log here; a durable one goes before its reply.
    private func record(_ decision: Decision, _ recording: ServingArm.Recording, _ reply: Reply, _ body: UnsafeRawBufferPointer, _ began: NIODeadline) -> Answer {
        var entry: [UInt8] = []
        entry.reserveCapacity(640 + body.count)
        do throws(MalformedRow) {
            try recording.writer.append(
                decision, at: clock.now(), latencyMicroseconds: UInt64(max(0, (NIODeadline.now() - began).nanoseconds / 1000)), request: body, to: &entry)
        } catch { return .reply(.refusal(400, error.message)) }
        switch recording.durability {
        case .durable: return .afterDurable([entry], .decision, reply)
        case .buffered:
            let metrics = metrics
            guard let records else {
                metrics.unrecorded.add()
                return .reply(reply)
            }
            records.log.append(entry, kind: .decision, durable: false) { if case .failure = $0 { metrics.unrecorded.add() } }
            return .reply(reply)
        }
    }
}
