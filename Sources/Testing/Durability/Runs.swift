// The runs, and what they print.
private import Foundation

struct Runs {
    private let settings: Settings
    private let folder: String
    private let program: String

    /// In memory: that the disk forgets is the model's business.
    init(_ settings: Settings) throws {
        self.settings = settings
        let base = FileManager.default.fileExists(atPath: "/dev/shm") ? "/dev/shm" : NSTemporaryDirectory()
        folder = "\(base)/penstock-durability-\(UUID().uuidString)"
        program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
    }

    func all() async throws -> Bool {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var holds = true
        holds = try await power(.stores, mustHold: true) && holds
        holds = try await powerAfterKill() && holds
        // A suite that finds nothing here cannot find anything.
        holds = try await power(.poolFull, mustHold: true) && holds
        holds = try await power(.poolNormal, mustHold: false) && holds
        holds = try await power(.filesSynced, mustHold: true) && holds
        holds = try await power(.filesUnsynced, mustHold: false) && holds
        for isTorn in [false, true] { holds = try await kills(isTorn: isTorn) && holds }
        holds = try await killsTwice() && holds
        for (name, number) in [("EIO", EIO), ("ENOSPC", ENOSPC)] {
            for isOnce in [true, false] { holds = try await errors(name, number, isOnce: isOnce) && holds }
        }
        return holds
    }

    private func report(_ name: String, _ cases: Int, _ findings: Findings, mustHold: Bool) -> Bool {
        let figures = Findings.Kind.allCases.map { "\(findings.counts[$0] ?? 0) \($0.rawValue)" }.joined(separator: ", ")
        // Losing is what these do; being found out is what they are for.
        let isRight = mustHold ? findings.isEmpty : findings.counts[.lost] ?? 0 > 0
        print("\(isRight ? "ok  " : "FAIL") \(name): \(cases) cases, \(figures)\(mustHold ? "" : " (must find losses)")")
        if !isRight { for kind in Findings.Kind.allCases { if let example = findings.examples[kind] { print("       \(kind.rawValue): \(example)") } } }
        return isRight
    }

    // Power.

    private func power(_ kind: Workload, mustHold: Bool) async throws -> Bool {
        let log = unused("log"), root = unused("root")
        defer { remove(log, root) }
        try makeFolder(root)
        _ = try start(kind, root, ["SHIM_LOG": log])
        let (cases, findings) = try await cut(kind, try Operation.read(log), from: 0)
        return report("power cut, \(kind.rawValue)", cases, findings, mustHold: mustHold)
    }

    /// A program was killed, another went on, and then the power failed: what the first had not synced is still not on the disk.
    private func powerAfterKill() async throws -> Bool {
        let count = try steps(.stores), rounds = 12
        var cases = 0, findings = Findings(), generator = SeededGenerator(seed: 11)
        for _ in 0..<rounds {
            let log = unused("log"), root = unused("root"), step = Int.random(in: 1...count, using: &generator)
            defer { remove(log, root) }
            try makeFolder(root)
            _ = try start(.stores, root, ["SHIM_LOG": log, "SHIM_KILL": "\(step)"])
            let first = try Operation.read(log).count
            _ = try start(.stores, root, ["SHIM_LOG": log])
            let (more, found) = try await cut(.stores, try Operation.read(log), from: first, every: 5)
            cases += more
            findings.add(found, at: "after a kill at step \(step)")
        }
        return report("power cut after a kill, stores", cases, findings, mustHold: true)
    }

    private func cut(_ kind: Workload, _ operations: [Operation], from first: Int, every: Int = 1) async throws -> (cases: Int, findings: Findings) {
        var disk = DiskModel(), acknowledged = Acknowledged(), findings = Findings(), cases = 0
        for (place, operation) in operations.enumerated() {
            if operation.kind == .acknowledge { acknowledged.read(operation.first) }
            disk.apply(operation)
            guard place >= first, place.isMultiple(of: every) else { continue }
            for survival in DiskModel.Survival.allCases {
                for seed in 0..<(survival == .some ? settings.seeds : 1) {
                    var generator = SeededGenerator(seed: UInt64(place) << 8 | UInt64(seed))
                    let image = unused("image")
                    defer { remove(image) }
                    try disk.write(to: image, survival, &generator)
                    findings.add(await Inspection.inspect(kind, image, acknowledged), at: "cut after operation \(place), \(survival) kept, seed \(seed)")
                    cases += 1
                }
            }
        }
        return (cases, findings)
    }

    // Kills.

    private func kills(isTorn: Bool) async throws -> Bool {
        let count = try steps(.stores), stride = max(1, count / settings.kills)
        var cases = 0, findings = Findings()
        for step in Swift.stride(from: 1, through: count, by: stride) {
            let root = unused("root")
            defer { remove(root) }
            try makeFolder(root)
            let acknowledged = try start(.stores, root, ["SHIM_KILL": "\(step)", "SHIM_HALF": isTorn ? "1" : "0"])
            findings.add(await Inspection.inspect(.stores, root, acknowledged), at: "killed at step \(step) of \(count)")
            cases += 1
        }
        return report(isTorn ? "kill -9 within a write" : "kill -9 before an operation", cases, findings, mustHold: true)
    }

    /// The second writer dies while it recovers what the first one left.
    private func killsTwice() async throws -> Bool {
        let count = try steps(.stores)
        var cases = 0, findings = Findings(), generator = SeededGenerator(seed: 12)
        for _ in 0..<min(settings.kills, 200) {
            let root = unused("root"), step = Int.random(in: 1...count, using: &generator), second = Int.random(in: 1...20, using: &generator)
            defer { remove(root) }
            try makeFolder(root)
            var acknowledged = try start(.stores, root, ["SHIM_KILL": "\(step)"])
            let more = try start(.stores, root, ["SHIM_KILL": "\(second)"])
            acknowledged.artifacts = max(acknowledged.artifacts, more.artifacts)
            acknowledged.entries = max(acknowledged.entries, more.entries)
            acknowledged.checkpoint = max(acknowledged.checkpoint, more.checkpoint)
            findings.add(await Inspection.inspect(.stores, root, acknowledged), at: "killed at step \(step), and at \(second) of the next start")
            cases += 1
        }
        return report("kill -9, and again in the recovery", cases, findings, mustHold: true)
    }

    // Errors.

    private func errors(_ name: String, _ number: Int32, isOnce: Bool) async throws -> Bool {
        let count = try steps(.stores), stride = max(1, count / settings.kills)
        var cases = 0, findings = Findings(), silent = 0
        for step in Swift.stride(from: 1, through: count, by: stride) {
            let root = unused("root")
            defer { remove(root) }
            try makeFolder(root)
            let acknowledged = try start(.stores, root, ["SHIM_FAIL": "\(step)", "SHIM_ERRNO": "\(number)", "SHIM_ONCE": isOnce ? "1" : "0"])
            if acknowledged.refusals == 0 { silent += 1 }
            findings.add(await Inspection.inspect(.stores, root, acknowledged), at: "\(name) at step \(step) of \(count)")
            cases += 1
        }
        print("     (\(silent) of \(cases) errors were nobody's business: clean-up, or tried again)")
        return report("\(name), \(isOnce ? "once" : "from then on")", cases, findings, mustHold: true)
    }

    // The writer.

    /// How many operations a run has that nothing disturbs.
    private func steps(_ kind: Workload) throws -> Int {
        let count = unused("count"), root = unused("root")
        defer { remove(count, root) }
        try makeFolder(root)
        _ = try start(kind, root, ["SHIM_COUNT": count])
        return Int(try String(contentsOfFile: count, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0
    }

    private func start(_ kind: Workload, _ root: String, _ variables: [String: String]) throws -> Acknowledged {
        let output = unused("output")
        defer { remove(output) }
        try Data().write(to: URL(filePath: output))
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = ["write", kind.rawValue, root, "\(settings.rounds)"]
        process.environment = ProcessInfo.processInfo.environment.merging(variables) { $1 }
            .merging(["LD_PRELOAD": settings.shim, "SHIM_ROOT": root, "SWIFT_BACKTRACE": "enable=no"]) { $1 }
        process.standardOutput = FileHandle(forWritingAtPath: output)
        try process.run()
        process.waitUntilExit()
        let isKilled = variables["SHIM_KILL"] != nil && process.terminationReason == .uncaughtSignal && process.terminationStatus == SIGKILL
        guard isKilled || process.terminationReason == .exit && process.terminationStatus == 0 else {
            throw WriterFailure(variables: variables, status: process.terminationStatus)
        }
        var acknowledged = Acknowledged()
        acknowledged.read(FileManager.default.contents(atPath: output).map { Array($0) } ?? [])
        return acknowledged
    }

    /// A new name each time: SQLite may still be closing the files of the last one.
    private func unused(_ name: String) -> String { "\(folder)/\(name)-\(UUID().uuidString)" }

    private func makeFolder(_ path: String) throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
    }

    private func remove(_ paths: String...) { for path in paths { try? FileManager.default.removeItem(atPath: path) } }
}

struct WriterFailure: Error, CustomStringConvertible {
    var variables: [String: String]
    var status: Int32
    var description: String { "the writer ended with \(status) under \(variables)" }
}
