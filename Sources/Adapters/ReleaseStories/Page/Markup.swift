// A piece of a page into which nobody's text can bring markup.
internal import Foundation
internal import Primitives

/// Text and attributes come in only through these functions, which escape them; names of tags and attributes are literals of this program.
struct Markup {
    private(set) var source: String

    static let nothing = Markup(source: "")

    /// Somebody's words. They cannot turn the writing direction of what stands around them.
    static func text(_ text: String) -> Markup { Markup(source: escaped(text)) }

    static func tag(_ name: StaticString, _ attributes: KeyValuePairs<StaticString, String> = [:], _ children: [Markup] = []) -> Markup {
        let words = attributes.map { " \($0.key)=\"\(escaped($0.value))\"" }.joined()
        return Markup(source: "<\(name)\(words)>\(children.map(\.source).joined())</\(name)>")
    }

    static func tag(_ name: StaticString, _ attributes: KeyValuePairs<StaticString, String> = [:], _ text: String) -> Markup { tag(name, attributes, [.text(text)]) }

    /// What somebody wrote, apart from what this program says.
    static func quoted(_ text: String) -> Markup { tag("bdi", ["class": "said"], text) }

    /// A tag that has no end, such as `meta`.
    static func mark(_ name: StaticString, _ attributes: KeyValuePairs<StaticString, String>) -> Markup {
        Markup(source: "<\(name)\(attributes.map { " \($0.key)=\"\(escaped($0.value))\"" }.joined())>")
    }

    /// This program's own style sheet.
    static func style(_ sheet: StaticString) -> Markup { Markup(source: "<style>\(sheet)</style>") }

    static func lines(_ parts: [Markup]) -> Markup { Markup(source: parts.map(\.source).joined(separator: "\n")) }

    private static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.harmless.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

/// A coordinate of a drawing.
func at(_ value: Double) -> String { value.isFinite ? String(format: "%.1f", min(max(value, -100_000), 100_000)) : "0" }
