// Folders as values: their digest is frozen, links are refused, and differences name files.
import Pipelines
import Primitives
import TestKit
import Testing

@Suite struct TreeDigestTests {
    private static func entry(_ text: String, _ content: String = "", executable: Bool = false) throws -> TreeEntry {
        TreeEntry(path: try path(text), kind: .file(content: .of(content), isExecutable: executable))
    }

    private static func tree(_ entries: TreeEntry...) throws -> TreeDigest { try TreeDigest(of: entries) }

    @Test func theDigestIsFrozen() throws {
        #expect(try Self.tree().digest.hex == "e0d2dad8c44de927985d775c5a70e60664f929f997c2bdaebbed87538ef736e5")
        let tree = try Self.tree(Self.entry("lib/b.py", "b"), Self.entry("a.sh", "a", executable: true))
        #expect(tree.files.map(\.path.text) == ["a.sh", "lib/b.py"] && tree.digest.hex == "21150992d21c74d546731004ca38fe7735aafbb81c678e56a3fda5233e55a9a7")
        #expect(
            String(decoding: StrictJSON.encode(tree), as: UTF8.self) == """
                [{"content":"\(Digest.of("a"))","executable":true,"path":"a.sh"},{"content":"\(Digest.of("b"))","executable":false,"path":"lib/b.py"}]
                """)
        #expect(try StrictJSON.decode(TreeDigest.self, from: StrictJSON.encode(tree)) == tree)
    }

    @Test func neitherOrderNorWalkMatters() throws {
        let entries = try (0..<40).map { try Self.entry("d\($0 % 7)/f\($0)", "\($0)") }
        let tree = try TreeDigest(of: entries)
        for seed in 0..<50 as Range<UInt64> {
            var generator = SeededGenerator(seed: seed)
            #expect(try TreeDigest(of: entries.shuffled(using: &generator)) == tree)
        }
    }

    @Test func everythingThatAStageCanSeeCounts() throws {
        let trees = [
            try Self.tree(), try Self.tree(Self.entry("a", "x")), try Self.tree(Self.entry("a", "y")), try Self.tree(Self.entry("b", "x")),
            try Self.tree(Self.entry("a", "x", executable: true)), try Self.tree(Self.entry("a", "x"), Self.entry("b", "x")), try Self.tree(Self.entry("a/b", "x")),
            try Self.tree(Self.entry("\u{e9}")), try Self.tree(Self.entry("e\u{301}")),
        ]
        #expect(Set(trees.map(\.digest)).count == trees.count)
    }

    @Test func whatIsNoFileIsRefused() throws {
        func refused(_ entries: TreeEntry...) -> String {
            let error = #expect(throws: PipelineError.self) { try TreeDigest(of: entries) }
            #expect(error?.code == .tree)
            return "\(error?.description ?? "")"
        }
        #expect(try refused(Self.entry("a"), TreeEntry(path: path("b"), kind: .symbolicLink)) == "'b' is a symbolic link; put the file itself there")
        #expect(try refused(TreeEntry(path: path("a/b"), kind: .special)) == "'a/b' is neither a file nor a folder; take it away")
        #expect(try refused(Self.entry("a"), Self.entry("a", "x")) == "'a' stands twice in the folder")
        #expect(try refused(Self.entry("a/b/c"), Self.entry("a-b"), Self.entry("a")) == "'a' is a file and a folder at once")
    }

    @Test func aFolderHasALimit() throws {
        let entries = [TreeEntry](repeating: try Self.entry("a"), count: 100_001)
        #expect(refusal { try TreeDigest(of: entries) } == "the folder has 100001 files, and at most 100000 are taken; pack them")
        #expect(refusal { try TreeDigest(of: entries.dropLast()) } == "'a' stands twice in the folder")
    }

    @Test func aStoredTreeIsCheckedAgain() {
        let content = Digest.of("")
        for path in ["../a", "/a", "a\\u0000"] {
            let json = #"[{"content":"\#(content)","executable":false,"path":"\#(path)"}]"#
            #expect(throws: DecodingError.self) { try StrictJSON.decode(TreeDigest.self, from: Array(json.utf8)) }
        }
        let twice = #"{"content":"\#(content)","executable":false,"path":"a"}"#
        #expect(throws: PipelineError.self) { try StrictJSON.decode(TreeDigest.self, from: Array("[\(twice),\(twice)]".utf8)) }
    }

    @Test func aDifferenceNamesTheFiles() throws {
        let old = try Self.tree(Self.entry("a", "1"), Self.entry("b", "1"), Self.entry("c", "1"), Self.entry("e", "1"))
        let new = try Self.tree(Self.entry("b", "2"), Self.entry("c", "1", executable: true), Self.entry("d", "1"), Self.entry("e", "1"))
        #expect(new.changes(since: old).map { "\($0.path) \($0.kind.rawValue)" } == ["a removed", "b changed", "c changed", "d added"])
        #expect(old.changes(since: old) == [] && new.changes(since: new) == [])
    }

    @Test func contentSaysWhetherItIsAFileOrAFolder() {
        let digest = Digest.of("a")
        for content in [ArtifactContent.file(digest), .tree(digest)] {
            #expect(ArtifactContent(parsing: content.description) == content && content.digest == digest)
        }
        #expect(ArtifactContent.file(digest).description == "\(digest)" && ArtifactContent.tree(digest).description == "tree:\(digest)")
        for text in ["", "tree:", "tree:tree:\(digest)", "file:\(digest)", digest.hex, "\(digest) "] { #expect(ArtifactContent(parsing: text) == nil) }
        #expect(throws: DecodingError.self) { try StrictJSON.decode([ArtifactContent].self, from: Array("[\"a\"]".utf8)) }
    }
}
