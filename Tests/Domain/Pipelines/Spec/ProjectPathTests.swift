// Paths that stay inside the project, in one spelling.
import Pipelines
import Primitives
import TestKit
import Testing

@Suite struct ProjectPathTests {
    @Test(arguments: [
        ("a", "a"), ("a/b.c", "a/b.c"), ("./a", "a"), ("a/", "a"), ("./a/./b/", "a/b"), ("a b/é", "a b/é"), ("...", "..."), ("..a/b..", "..a/b.."), ("~/a", "~/a"),
        (String(repeating: "a", count: 255), String(repeating: "a", count: 255)),
        (String(repeating: "ab/", count: 341) + "a", String(repeating: "ab/", count: 341) + "a"),
    ]) func aPathHasOneSpelling(_ text: String, _ spelled: String) { #expect(ProjectPath(text)?.text == spelled) }

    @Test(arguments: [
        ("", "it is empty"), ("/", "it is absolute; write it relative to the folder of penstock.yaml"),
        ("/etc/passwd", "it is absolute; write it relative to the folder of penstock.yaml"), ("..", "'..' leads out; everything that a stage uses lies in the project"),
        ("a/../b", "'..' leads out; everything that a stage uses lies in the project"), ("a/..", "'..' leads out; everything that a stage uses lies in the project"),
        (".", "it is the project itself; name a file or folder in it"), ("./", "it is the project itself; name a file or folder in it"),
        ("././.", "it is the project itself; name a file or folder in it"),
        ("a//b", "it has an empty name between two slashes"), ("a//", "it has an empty name between two slashes"), ("a\0b", "it holds a control character"),
        ("a\nb", "it holds a control character"), ("a\u{7f}", "it holds a control character"),
        (String(repeating: "a", count: 256), "a name has at most 255 bytes, and a path 1024"),
        (String(repeating: "é", count: 128), "a name has at most 255 bytes, and a path 1024"),
        (String(repeating: "ab/", count: 341) + "ab", "a name has at most 255 bytes, and a path 1024"),
    ]) func aWayOutIsNoPath(_ text: String, _ reason: String) {
        #expect(ProjectPath(text) == nil)
        #expect(ProjectPath.refusal(of: text) == "'\(text.prefix(80))' is no path inside the project: \(reason)")
    }

    @Test func twoSpellingsOfAnAccentAreTwoFiles() throws {
        let composed = try path("\u{e9}"), decomposed = try path("e\u{301}")
        #expect(composed.text == decomposed.text && composed != decomposed && Set([composed, decomposed]).count == 2)
        #expect(try [path("b"), path("a/b"), path("a-b"), path("a")].sorted().map(\.text) == ["a", "a-b", "a/b", "b"])
    }

    @Test func aPathHasAFolderAndARoot() throws {
        #expect(try path("a/b/c").folder?.text == "a/b" && path("a").folder == nil && path("a/b/c").root == "a" && path("a").root == "a")
        #expect(try path("a/\u{301}b").folder?.text == "a" && path("a/\u{301}b").root == "a")
        #expect(try path("a").appending(path("b/c"))?.text == "a/b/c")
        #expect(try path(String(repeating: "ab/", count: 341) + "a").appending(path("b")) == nil)
    }

    @Test func storedPathsAreReadAgainOrRefused() throws {
        #expect(try StrictJSON.decode([ProjectPath].self, from: StrictJSON.encode([try path("a/b")])) == [try path("a/b")])
        #expect(throws: DecodingError.self) { try StrictJSON.decode([ProjectPath].self, from: Array("[\"../a\"]".utf8)) }
    }
}
