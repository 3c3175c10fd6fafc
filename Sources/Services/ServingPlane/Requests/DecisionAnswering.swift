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
    /// What is to be done once the answer that was given last has gone; whoever sends it takes it.
    var followUp: FollowUp?
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
        guard let exposure = slot.exposure else { return answer(admission, slot.champion, body, began).answer }
        return answer(admission, slot.champion, exposure, body, began)
    }

    /// While a candidate is exposed: by whom, and what is compared afterwards.
    private mutating func answer(
        _ admission: Admission, _ champion: ServingArm, _ exposure: Exposure, _ body: UnsafeRawBufferPointer, _ began: NIODeadline
    ) -> Answer {
        let share = exposure.share(at: began)
        let isTaken = share > 0 && includes(admission, body, exposure.assignment)
        let arm = isTaken ? exposure.candidate : champion
        let answered = answer(isTaken ? admit(body, arm) : admission, arm, body, began, hasRead: isTaken)
        guard let kept = answered.kept else { return answered.answer }
        let isSampled = sample(admission, body, kept.decision.id, exposure.sampling)
        let record = ComparisonRecord(
            decision: kept.decision.id, candidate: exposure.candidate.stamp.release, spec: exposure.spec, step: exposure.step, share: share,
            arm: isTaken ? .candidate : .champion, entity: kept.entity?.short, failed: kept.decision.reason == .errored, latencyMicroseconds: kept.latencyMicroseconds,
            answered: kept.at, clock: kept.at, sampled: isSampled, pair: nil)
        followUp = .comparison(
            ComparisonJob(
                exposure: exposure, other: isTaken ? champion : exposure.candidate, side: .init(kept.decision), record: record,
                body: isSampled || exposure.isReplayed ? Array(body) : [], answered: .now()))
        return answered.answer
    }

    /// A request without an entity is sampled by its decision.
    private func sample(_ admission: Admission, _ body: UnsafeRawBufferPointer, _ id: DecisionID, _ sampling: Assignment) -> Bool {
        switch admission {
        case .admitted(.none), .outside(_, .none): sampling.includes(entity: Array(id.description.utf8))
        case .admitted, .outside: includes(admission, body, sampling)
        case .malformed: false
        }
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

    /// A decision as it was recorded, for who compares.
    private struct Kept {
        var decision: Decision
        var entity: KeyedHash?
        var at: Instant
        var latencyMicroseconds: UInt64
    }

    /// `hasRead` says that the champion could read the row: then an arm that cannot has failed, and not the caller.
    private mutating func answer(
        _ admission: Admission, _ arm: ServingArm, _ body: UnsafeRawBufferPointer, _ began: NIODeadline, hasRead: Bool = false
    ) -> (answer: Answer, kept: Kept?) {
        let decision: Decision
        let id = DecisionID(high: generator.next(), low: generator.next())
        switch admission {
        case .malformed where hasRead: decision = arm.decideErrored(id: id)
        case .malformed(let row): return (.reply(.refusal(400, row.message)), nil)
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
        guard let recording = arm.recording else { return (.reply(reply), nil) }
        return record(decision, recording, reply, body, began)
    }

    /// A buffered record goes to the log here; a durable one goes before its reply.
    private func record(
        _ decision: Decision, _ recording: ServingArm.Recording, _ reply: Reply, _ body: UnsafeRawBufferPointer, _ began: NIODeadline
    ) -> (answer: Answer, kept: Kept?) {
        var entry: [UInt8] = []
        entry.reserveCapacity(640 + body.count)
        var kept = Kept(decision: decision, entity: nil, at: clock.now(), latencyMicroseconds: UInt64(max(0, (NIODeadline.now() - began).nanoseconds / 1000)))
        do throws(MalformedRow) {
            kept.entity = try recording.writer.append(decision, at: kept.at, latencyMicroseconds: kept.latencyMicroseconds, request: body, to: &entry)
        } catch { return (.reply(.refusal(400, error.message)), nil) }
        switch recording.durability {
        case .durable: return (.afterDurable([entry], .decision, reply), kept)
        case .buffered:
            let metrics = metrics
            guard let records else {
                metrics.unrecorded.add()
                return (.reply(reply), kept)
            }
            records.log.append(entry, kind: .decision, durable: false) { if case .failure = $0 { metrics.unrecorded.add() } }
            return (.reply(reply), kept)
        }
    }
}
