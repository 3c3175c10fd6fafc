// LightGBM through our engine: the same scores as Python's, and refusals instead of crashes.
import Foundation
import ModelEngines
import Ports
import Testing

@Suite struct ModelEnginesTests {
    let trained: TrainedModel
    let engines = ModelEngines(libraryDirectories: [TrainedModel.libraries])

    init() throws { trained = try TrainedModel.shared.get() }

    private func load(_ text: [UInt8], features: Int = 5) throws(ModelEngineError) -> any LoadedModel {
        try engines.load(text, format: "lightgbm", features: features)
    }

    private func code(_ text: [UInt8]) -> ModelEngineError.Code? {
        do { _ = try load(text) } catch { return error.code }
        return nil
    }

    @Test func scoresAreExactlyThoseOfPython() throws {
        let scorer = try load(trained.text).makeScorer()
        #expect(trained.rows.count > 900)
        for (row, score) in zip(trained.rows, trained.scores) {
            let found = try row.withUnsafeBufferPointer { try scorer.score($0) }
            #expect(found == score)
        }
    }

    @Test func scorersWorkInParallelAndOutliveTheModel() async throws {
        let expected = trained.scores
        let rows = trained.rows
        let model = try load(trained.text)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    let scorer = try model.makeScorer()
                    for _ in 0..<5 {
                        for (row, score) in zip(rows, expected) {
                            let found = try row.withUnsafeBufferPointer { try scorer.score($0) }
                            #expect(found == score)
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        var scorer: (any RowScorer)? = try engines.load(trained.text, format: "lightgbm", features: 5).makeScorer()
        #expect(try rows[0].withUnsafeBufferPointer { try scorer?.score($0) } == expected[0])
        scorer = nil
    }

    @Test func aRowOfAnotherLengthIsRefused() throws {
        let scorer = try load(trained.text).makeScorer()
        for count in [0, 4, 6] {
            let error = #expect(throws: ModelEngineError.self) { try [Double](repeating: 0, count: count).withUnsafeBufferPointer { _ = try scorer.score($0) } }
            #expect(error?.code == .failed)
        }
    }

    @Test func anotherFeatureCountIsAMismatch() {
        let error = #expect(throws: ModelEngineError.self) { try load(trained.text, features: 6) }
        #expect(error?.code == .mismatch)
    }

    @Test func anUnknownFormatNamesTheKnownOnes() {
        let error = #expect(throws: ModelEngineError.self) { try engines.load(trained.text, format: "onnx", features: 5) }
        #expect(error?.message.contains("lightgbm") == true && error?.message.contains("onnx") == true)
    }

    @Test func aMissingLibraryNamesFormatAndCommand() {
        let error = #expect(throws: ModelEngineError.self) {
            try ModelEngines(libraryDirectories: ["/nowhere"]).load(trained.text, format: "lightgbm", features: 5)
        }
        #expect(error?.code == .libraryMissing)
        #expect(error?.message.contains("lightgbm") == true && error?.message.contains("scripts/setup") == true)
    }

    @Test func aLibraryThatIsNotLightGBMIsRefused() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "engines-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "lib_lightgbm.so")
        for other in ["libm.so.6", "text"] {
            try? FileManager.default.removeItem(at: file)
            if other == "text" {
                try Data("no library".utf8).write(to: file)
            } else {
                try FileManager.default.createSymbolicLink(atPath: file.path, withDestinationPath: "/lib/\(Self.architecture)-linux-gnu/\(other)")
            }
            let error = #expect(throws: ModelEngineError.self) {
                try ModelEngines(libraryDirectories: [folder.path]).load(trained.text, format: "lightgbm", features: 5)
            }
            #expect(error?.code == .libraryMissing)
        }
    }

    #if arch(x86_64)
        private static let architecture = "x86_64"
    #else
        private static let architecture = "aarch64"
    #endif

    @Test func searchOrder() {
        let found = ModelEngines.libraryDirectories(setting: "/a:/b", program: "/x/y/penstock", workingDirectory: "/w")
        #expect(found.prefix(7) == ["/a", "/b", "/x/y/.deps/lib", "/x/.deps/lib", "/.deps/lib", "/w/.deps/lib", found[6]])
        #expect(ModelEngines.libraryDirectories(setting: nil, program: nil, workingDirectory: "/").first == "/.deps/lib")
    }

    // Each of these ends the process, loops for ever or reads outside its arrays when LightGBM reads it unchecked.

    @Test func cutOffModelsAreRefused() {
        let whole = String(decoding: trained.smallText, as: UTF8.self)
        let needed = whole.range(of: "end of parameters\n").map { whole.utf8.distance(from: whole.startIndex, to: $0.upperBound) } ?? 0
        #expect(needed > 0)
        for length in Set((0..<150).map { $0 * needed / 150 } + [needed - 1]) {
            #expect(code(Array(trained.smallText.prefix(length))) == .unreadable, "cut off after \(length)")
        }
        #expect(code(Array(trained.smallText.prefix(needed))) == nil)
    }

    @Test(arguments: [
        "num_tree_per_iteration=0", "num_tree_per_iteration=2", "num_class=3", "num_class=0", "max_feature_idx=3", "max_feature_idx=-1",
        "max_feature_idx=2147483647", "max_feature_idx=99999999999999999999", "objective=", "tree_sizes=", "tree_sizes=1", "tree_sizes=9223372036854775807",
        "tree_sizes=-1", "feature_names=a", "num_leaves=0", "num_leaves=2147483647", "num_leaves=-5", "num_cat=1000", "num_cat=-1", "version=v9",
        "left_child=0", "split_feature=", "decision_type=1", "leaf_value=nan", "cat_boundaries=0", "cat_threshold=1", "is_linear=1",
    ])
    func impossibleFieldsAreRefused(_ replacement: String) {
        let name = replacement.prefix { $0 != "=" } + "="
        var lines = String(decoding: trained.smallText, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        let place = lines.firstIndex { $0.hasPrefix(name) }
        #expect(place != nil)
        guard let place else { return }
        let original = lines[place]
        lines[place] = Substring(replacement)
        #expect(code(Array(lines.joined(separator: "\n").utf8)) == .unreadable)
        // The same within a tree whose declared length still fits.
        guard place > 12 else { return }
        lines[place] = Substring(replacement.padding(toLength: max(original.utf8.count, replacement.utf8.count), withPad: " ", startingAt: 0))
        #expect(code(Array(lines.joined(separator: "\n").utf8)) == .unreadable)
    }

    /// Numbers of the structure, changed to others that fit in their place.
    @Test(arguments: ["left_child", "right_child", "split_feature", "threshold", "cat_boundaries"])
    func changedDigitsNeverCrash(_ name: String) {
        guard let start = trained.smallText.firstRange(of: Array("\n\(name)=".utf8)) else { return }
        let end = trained.smallText[start.upperBound...].firstIndex(of: 10) ?? start.upperBound
        for position in stride(from: start.upperBound, to: end, by: 3) {
            for byte in Array("90-".utf8) {
                var text = trained.smallText
                text[position] = byte
                if let model = try? load(text), let scorer = try? model.makeScorer() {
                    for row in trained.rows.suffix(4) { _ = try? row.withUnsafeBufferPointer { try scorer.score($0) } }
                } else {
                    #expect(code(text) == .unreadable)
                }
            }
        }
    }

    @Test func damagedModelsNeverCrash() {
        var random = Seeded(state: 42)
        for _ in 0..<200 {
            var text = trained.smallText
            let position = Int.random(in: text.indices, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0: text[position] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 1: text.removeSubrange(position..<min(text.count, position + Int.random(in: 1..<200, using: &random)))
            case 2: text[position] = UInt8.random(in: 48...57, using: &random)
            default: text.insert(contentsOf: text[(text.count - position)...].prefix(100), at: position)
            }
            guard let model = try? load(text), let scorer = try? model.makeScorer() else { continue }
            for row in trained.rows.suffix(4) { _ = try? row.withUnsafeBufferPointer { try scorer.score($0) } }
        }
    }
}

/// SplitMix64.
private struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
