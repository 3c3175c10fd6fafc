// Commands are split as a shell splits words, and everything else that a shell does is refused.
import Pipelines
import Primitives
import TestKit
import Testing

@Suite struct StageCommandTests {
    private static func read(_ text: String) throws -> StageCommand {
        try StageCommand.read(DocumentNode(.scalar(text, plain: true), at: SourcePlace(file: "penstock.yaml", line: 6)))
    }

    @Test(arguments: [
        ("python stages/a.py", ["python", "stages/a.py"]), ("  a \t b  ", ["a", "b"]), ("a 'b c' d", ["a", "b c", "d"]), ("a \"b c\"", ["a", "b c"]),
        ("a b'c d'e\"f g\"h", ["a", "bc def gh"]), ("a ''", ["a", ""]), ("a \"\" b", ["a", "", "b"]), ("a '$x;|&<>()`\\'", ["a", "$x;|&<>()`\\"]),
        ("a \"it's;|&<>()*\"", ["a", "it's;|&<>()*"]), ("a '\"'", ["a", "\""]), ("a b=c --d=e", ["a", "b=c", "--d=e"]), ("a b#c d~e", ["a", "b#c", "d~e"]),
        ("a '~' '#b'", ["a", "~", "#b"]), ("a é\u{a0}b", ["a", "é\u{a0}b"]), ("a b\n", ["a", "b"]), ("a b\n\n", ["a", "b"]), ("'a b'/c", ["a b/c"]),
    ]) func wordsAreSplitAsAShellSplitsThem(_ text: String, _ words: [String]) throws { #expect(try Self.read(text).words == words) }

    @Test(arguments: ["$", "`", "\\", ";", "|", "&", "<", ">", "(", ")", "{", "}", "[", "]", "*", "?", "!"]) func whatAShellWouldDoIsRefused(_ mark: String) {
        let sentence = "penstock.yaml:6: no shell reads the command, so '\(mark)' would do nothing; put it in single quotes, or move it into a script"
        for text in ["a \(mark)", "a b\(mark)c", "\(mark)a"] { #expect(refusal { try Self.read(text) } == sentence, "\(text)") }
        #expect(refusal { try Self.read("a 'b\(mark)c'") } == "")
        #expect(refusal { try Self.read("a \"b\(mark)c\"") } == (["$", "`", "\\"].contains(mark) ? sentence : ""))
    }

    @Test(arguments: ["~", "#"]) func whatAShellWouldDoAtAWordsStartIsRefused(_ mark: String) {
        let sentence = "penstock.yaml:6: no shell reads the command, so '\(mark)' would do nothing; put it in single quotes, or move it into a script"
        #expect(refusal { try Self.read("a \(mark)b") } == sentence && refusal { try Self.read("\(mark)b") } == sentence)
    }

    @Test(arguments: [
        ("", "the command is empty; write a program and its arguments"), ("  \t", "the command is empty; write a program and its arguments"),
        ("'' a", "a command begins with a program, not with ''; give values as parameters"),
        ("A=1 python a.py", "a command begins with a program, not with 'A=1'; give values as parameters"),
        ("a 'b", "a quote in the command does not end; close it"), ("a \"b'", "a quote in the command does not end; close it"),
        ("a\nb", "a command is one line without control characters; move the rest into a script"),
        ("a 'b\nc'", "a command is one line without control characters; move the rest into a script"),
        ("a \0", "a command is one line without control characters; move the rest into a script"),
        ("a \u{7f}", "a command is one line without control characters; move the rest into a script"),
        ("a " + String(repeating: "b", count: 8191), "a command has at most 8192 bytes; move it into a script"),
    ]) func aCommandThatIsNoneIsRefused(_ text: String, _ sentence: String) {
        // Nothing at all is a null of YAML.
        let sentence = text.isEmpty ? "expected text here, found nothing" : sentence
        #expect(refusal { try Self.read(text) } == "penstock.yaml:6: \(sentence)")
    }

    @Test(arguments: [
        ("python stages/a.py", "stages"), ("python ./stages/deep/a.py --b c/d", "stages/deep"), ("./stages/a", "stages"), ("stages/a x/y", "stages"),
        ("/usr/bin/python stages/a.py", "stages"), ("python -u --x=y/z stages/a.py", "stages"), ("Rscript a/b.R", "a"), ("python a.py", nil),
        ("python -m stages.a", nil), ("python ./a.py", nil), ("python ../a/b.py", nil), ("python /a/b.py c/d.py", nil), ("/bin/true", nil),
    ]) func theCodeIsTheScriptsFolder(_ text: String, _ folder: String?) throws { #expect(try Self.read(text).scriptFolder?.text == folder) }

    /// What a fingerprint holds of a command tells every two commands apart.
    @Test func aSpelledCommandReadsBackAsItself() throws {
        #expect(try Self.read("python 'a b' \"it's\" '' x=1").spelled == #"python 'a b' 'it'"'"'s' '' x=1"#)
        let pieces = ["a", "é", "\u{301}", " ", "'", "\"", "$", ";", "|", "=", "/", "-", "~", "#", "*", "\\", "`", "\t", "{", "!"]
        for seed in 0..<10_000 as Range<UInt64> {
            var generator = SeededGenerator(seed: seed)
            let words =
                ["p"]
                + (0..<Int.random(in: 0...3, using: &generator)).map { _ in
                    (0..<Int.random(in: 0...5, using: &generator)).map { _ in pieces.randomElement(using: &generator) ?? "" }.joined()
                }
            let quoted = words.map { "'" + $0.unicodeScalars.map { $0 == "'" ? "'\"'\"'" : String($0) }.joined() + "'" }.joined(separator: " ")
            let command = try Self.read(quoted)
            #expect(try command.words.map { Array($0.utf8) } == words.map { Array($0.utf8) } && (Self.read(command.spelled)) == command, "seed \(seed): \(command.spelled)")
        }
    }
}
