// The suites on all stores, and on stores that are wrong.
import Conformance
import Evidence
import FileArtifacts
import Foundation
import MemoryStores
import Ports
import Primitives
import SQLiteLedger
import Testing

@Suite struct ConformanceTests {
    /// What a store that ends with its process, and that nothing outside can reach, does not promise.
    private static let notInMemory: Set<LedgerStoreConformance.Sentence> = [.durability, .integrity]
    private static let notInMemoryArtifacts: Set<ArtifactStoreConformance.Sentence> = [.durability, .integrity]

    @Test(arguments: LedgerStoreConformance.Sentence.allCases.filter { !notInMemory.contains($0) })
    func theMemoryLedgerHolds(_ sentence: LedgerStoreConformance.Sentence) async throws {
        try await LedgerStoreConformance { LedgerStoreBench(store: MemoryLedger()) }.check(sentence)
    }

    @Test(arguments: LedgerStoreConformance.Sentence.allCases)
    func theSQLiteLedgerHolds(_ sentence: LedgerStoreConformance.Sentence) async throws {
        let folder = try Folder()
        try await LedgerStoreConformance {
            let path = folder("\(UUID().uuidString).sqlite")
            let store = try SQLiteLedger(path: path)
            return LedgerStoreBench(
                store: store, reopen: { try SQLiteLedger(path: try Snapshot.take(path, in: folder)) },
                tamper: { index in try raw(path, "UPDATE ledger_entry SET payload = CAST('{\"step\":\"x\"}' AS BLOB) WHERE idx = ?", [index]) })
        }.check(sentence)
    }

    @Test(arguments: ArtifactStoreConformance.Sentence.allCases.filter { !notInMemoryArtifacts.contains($0) })
    func memoryArtifactsHold(_ sentence: ArtifactStoreConformance.Sentence) async throws {
        let made = Kept<[String]>([])
        defer { for path in made.value.withLock({ $0 }) { try? FileManager.default.removeItem(atPath: path) } }
        try await ArtifactStoreConformance {
            let memory = MemoryArtifacts()
            var store = OpenArtifacts(memory)
            store.onFile = { digest throws(ArtifactError) in
                let path = try await memory.verifiedFile(digest)
                made.value.withLock { $0.append(path) }
                return path
            }
            return ArtifactStoreBench(store: store)
        }.check(sentence)
    }

    @Test(arguments: ArtifactStoreConformance.Sentence.allCases)
    func fileArtifactsHold(_ sentence: ArtifactStoreConformance.Sentence) async throws {
        let folder = try Folder()
        try await ArtifactStoreConformance {
            let path = folder(UUID().uuidString)
            let store = try FileArtifacts(folder: path)
            return ArtifactStoreBench(
                store: store, reopen: { try FileArtifacts(folder: path) },
                tamper: { digest in
                    let file = "\(path)/sha256/\(digest.hex.prefix(2))/\(digest.hex)"
                    var bytes = try Files.bytes(file)
                    bytes[bytes.count / 2] ^= 1
                    try Files.write(bytes, to: file)
                })
        }.check(sentence)
    }

    @Test func anHonestLedgerBreaksNoSentence() async throws {
        let failures = await LedgerStoreConformance {
            let world = HonestWorld()
            return world.bench(world.store)
        }.failures()
        #expect(failures.isEmpty, "\(failures)")
    }

    @Test(arguments: WrongLedger.all)
    func aWrongLedgerBreaksItsSentenceAndNoOther(_ wrong: WrongLedger) async {
        let failures = await LedgerStoreConformance { wrong.bench() }.failures()
        #expect(failures.map(\.sentence) == [wrong.breaks.rawValue], "\(failures)")
    }

    @Test func anHonestArtifactStoreBreaksNoSentence() async throws {
        let failures = await ArtifactStoreConformance {
            let world = try HonestArtifacts()
            return world.bench(world.store)
        }.failures()
        #expect(failures.isEmpty, "\(failures)")
    }

    @Test(arguments: WrongArtifacts.all)
    func aWrongArtifactStoreBreaksItsSentenceAndNoOther(_ wrong: WrongArtifacts) async {
        let failures = await ArtifactStoreConformance { try wrong.bench() }.failures()
        #expect(failures.map(\.sentence) == [wrong.breaks.rawValue], "\(failures)")
    }

    @Test func eachSentenceHasAWrongStore() {
        #expect(Set(WrongLedger.all.map(\.breaks)) == Set(LedgerStoreConformance.Sentence.allCases))
        #expect(Set(WrongArtifacts.all.map(\.breaks)) == Set(ArtifactStoreConformance.Sentence.allCases))
    }

    @Test func aBenchThatCannotShowASentenceFailsIt() async {
        let ledger = LedgerStoreConformance { LedgerStoreBench(store: MemoryLedger()) }
        let lacking: [LedgerStoreConformance.Sentence] = [.durability, .integrity]
        #expect(await ledger.failures(of: lacking).map(\.sentence) == lacking.map(\.rawValue))
        let artifacts = ArtifactStoreConformance { ArtifactStoreBench(store: MemoryArtifacts()) }
        let missing: [ArtifactStoreConformance.Sentence] = [.durability, .integrity]
        #expect(await artifacts.failures(of: missing).map(\.sentence) == missing.map(\.rawValue))
    }

    @Test func aStoreThatCannotBeMadeFailsEverySentence() async {
        struct Broken: Error {}
        #expect(await LedgerStoreConformance { throw Broken() }.failures().count == LedgerStoreConformance.Sentence.allCases.count)
        #expect(await ArtifactStoreConformance { throw Broken() }.failures().count == ArtifactStoreConformance.Sentence.allCases.count)
    }

    @Test(arguments: [
        ("LedgerStore", LedgerStoreConformance.Sentence.allCases.map(\.rawValue)), ("ArtifactStore", ArtifactStoreConformance.Sentence.allCases.map(\.rawValue)),
    ])
    func theSuiteSaysWhatThePortSays(_ port: String, _ sentences: [String]) throws {
        let source = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../Sources/Ports/\(port).swift")
        let comments = try String(contentsOf: source, encoding: .utf8).split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
            .filter { $0.hasPrefix("///") }.map { String($0.dropFirst(4)) }
        let text = comments.joined(separator: " ")
        for sentence in sentences { #expect(text.contains(sentence), "the port does not say: \(sentence)") }
        // The list in the protocol's own comment is complete in the suite.
        for promise in comments where promise.hasPrefix("- ") { #expect(sentences.contains(String(promise.dropFirst(2))), "no check for: \(promise)") }
    }
}
