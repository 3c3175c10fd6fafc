// A process that appends is killed at any moment, again and again: nothing that it was promised is lost.
import Decisions
import Foundation
import Ports
import Primitives
import SegmentLog
import Testing

@Suite struct KillTests {
    private struct Promises {
        var entries: [UInt64: String] = [:]
        var acknowledged: UInt64 = 0
    }

    /// Beside the test bundle; `swift build --build-tests` brings it.
    private static let writer = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().appending(path: "DecisionWriter")

    /// Lets a writer run until it has said `lines` lines, or until it kills itself in an operation; then reads what else it said before it died.
    private static func run(_ folder: String, _ run: Int, killAfter lines: Int?, dieAt operation: Int?, _ promises: inout Promises) throws {
        let process = Process(), output = Pipe()
        process.executableURL = writer
        process.arguments = [folder, "\(run)"] + (operation.map { ["\($0)"] } ?? [])
        process.standardOutput = output
        try process.run()
        let reader = output.fileHandleForReading
        var said: [UInt8] = []
        while lines == nil || said.count(where: { $0 == 10 }) < lines ?? 0 {
            let piece = reader.availableData
            if piece.isEmpty { break }
            said += piece
        }
        if lines != nil { kill(process.processIdentifier, SIGKILL) }
        said += reader.readDataToEndOfFile()
        process.waitUntilExit()
        try #require(process.terminationReason == .uncaughtSignal && process.terminationStatus == SIGKILL)
        // Only whole lines were said.
        for line in String(decoding: said, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            let words = line.split(separator: " ")
            try #require(words.count == 2, "\(line)")
            if words[0] == "acknowledged" {
                promises.acknowledged = max(promises.acknowledged, try #require(UInt64(words[1])))
            } else {
                promises.entries[try #require(UInt64(words[0]))] = String(words[1])
            }
        }
    }

    private static func check(_ folder: String, _ promises: Promises) async throws {
        let log = try SegmentLog(folder: folder, node: node())
        let status = log.status()
        #expect(status.acknowledged >= promises.acknowledged && status.oldest <= status.acknowledged + 1)
        let texts = try await log.texts(after: status.acknowledged, limit: 100_000)
        #expect(UInt64(texts.count) == status.durable - status.acknowledged)
        for (sequence, text) in promises.entries where sequence > status.acknowledged {
            let index = Int(sequence - status.acknowledged) - 1
            #expect(index < texts.count && texts[index] == text, "the entry \(sequence) was \(text)")
        }
        await log.close()
    }

    @Test(.enabled(if: FileManager.default.fileExists(atPath: "/proc/self/exe"))) func promise11_noPromiseIsBrokenByKills() async throws {
        try #require(FileManager.default.isExecutableFile(atPath: Self.writer.path), "\(Self.writer.path) is not built; run swift build --build-tests")
        let folder = try Folder()
        var generator = SeededGenerator(seed: 20130630)
        var promises = Promises()
        // `scripts/stress` has PENSTOCK_KILLS=400: then the writer dies at each of its first 80 disk operations in turn.
        let kills = number("PENSTOCK_KILLS") ?? 40
        for run in 1...kills {
            if run.isMultiple(of: 2) {
                try Self.run(folder("log"), run, killAfter: Int.random(in: 1...150, using: &generator), dieAt: nil, &promises)
            } else {
                try Self.run(folder("log"), run, killAfter: nil, dieAt: kills >= 160 ? run / 2 % 80 + 1 : Int.random(in: 1...80, using: &generator), &promises)
            }
            if run.isMultiple(of: 5) { try await Self.check(folder("log"), promises) }
        }
        #expect(promises.entries.count > 25 * kills && promises.acknowledged > 5 * kills, "\(promises.entries.count) entries, \(promises.acknowledged) acknowledged")
    }
}
