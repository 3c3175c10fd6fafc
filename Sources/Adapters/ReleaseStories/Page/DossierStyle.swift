// How the dossier looks: by day, by night and on paper.

enum DossierStyle {
    /// Its digest stands in the page's security policy, so no attribute `style` is used anywhere.
    static let sheet: StaticString = """
        :root{--ground:#fbfaf8;--card:#fff;--ink:#1d2226;--soft:#5d666e;--line:#e3e0da;--grid:#eeebe5;--accent:#1f5f8b;--band:#1f5f8b2e;--stripe:#f5f3ee;--other:#eceff0;\
        --good:#1f7a4d;--goodground:#e3f3ea;--bad:#b3261e;--badground:#fbe7e5;--doubt:#8a5a00;--doubtground:#faefd8;--plain:#47525b;--plainground:#eceff1}
        @media (prefers-color-scheme:dark){:root{--ground:#14171a;--card:#1b1f23;--ink:#e7e9ea;--soft:#9aa4ac;--line:#30363c;--grid:#272c31;--accent:#7cb8e4;--band:#7cb8e433;\
        --stripe:#1f2429;--other:#242a30;--good:#6fd09b;--goodground:#173326;--bad:#ff8f86;--badground:#3d1d1b;--doubt:#f0bf65;--doubtground:#372a10;--plain:#b7c0c7;--plainground:#2a3036}}
        *{box-sizing:border-box}
        body{margin:0;background:var(--ground);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;-webkit-print-color-adjust:exact;print-color-adjust:exact}
        main{max-width:1180px;margin:0 auto;padding:40px 24px 56px}
        h1{font-size:34px;line-height:1.2;margin:2px 0 10px;letter-spacing:-.02em;display:flex;flex-wrap:wrap;gap:6px 14px;align-items:center}
        h2{font-size:19px;margin:44px 0 14px;letter-spacing:-.01em}
        p{margin:6px 0;max-width:82ch}
        .over{color:var(--soft);font-size:13px;margin:0}
        .lead{font-size:17px}
        .said{unicode-bidi:isolate;overflow-wrap:anywhere}
        .ending,.now{border-left:3px solid var(--bad);padding:6px 0 6px 12px;margin:12px 0}
        .now{border-color:var(--accent)}
        .pill{display:inline-block;font-size:12.5px;font-weight:600;line-height:1;letter-spacing:0;padding:5px 9px;border-radius:99px;white-space:nowrap;color:var(--plain);background:var(--plainground)}
        h1 .pill{font-size:14px;padding:6px 12px}
        .pill.good{color:var(--good);background:var(--goodground)}
        .pill.bad{color:var(--bad);background:var(--badground)}
        .pill.doubtful{color:var(--doubt);background:var(--doubtground)}
        .tiles{display:flex;flex-wrap:wrap;gap:12px;margin:24px 0 0}
        .tile{flex:1 1 150px;background:var(--card);border:1px solid var(--line);border-radius:10px;padding:14px 16px}
        .tile b{display:block;font-size:24px;line-height:1.2;font-weight:600;letter-spacing:-.01em;font-variant-numeric:tabular-nums}
        .tile span{color:var(--soft);font-size:13px}
        figure{margin:0;background:var(--card);border:1px solid var(--line);border-radius:10px;padding:14px 16px 12px}
        figure.wide{margin-bottom:14px}
        .plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,480px),1fr));gap:14px}
        figcaption{display:flex;flex-wrap:wrap;gap:2px 12px;align-items:baseline;margin-bottom:6px}
        figcaption .head{display:flex;flex:1 1 100%;justify-content:space-between;align-items:center;gap:10px}
        .meaning,.reading,.terms,.key{color:var(--soft);font-size:13px}
        .reading{color:var(--ink);font-variant-numeric:tabular-nums;flex:1 1 100%}
        .fault{color:var(--doubt);font-size:13px;flex:1 1 100%}
        .terms{margin:6px 0 0}
        .key{margin-bottom:14px;max-width:none}
        .swatch{font-weight:600}.swatch.estimate{color:var(--accent)}
        .swatch.interval{background:var(--band);color:var(--ink);padding:0 5px;border-radius:3px}
        .swatch.margin{color:var(--bad);border-bottom:2px dashed var(--bad)}
        svg{display:block;width:100%;height:auto;overflow:visible}
        svg text{font:11px system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;fill:var(--soft);font-variant-numeric:tabular-nums}
        .mid{text-anchor:middle}.end{text-anchor:end}
        svg .step{font-weight:600}
        .axis{stroke:var(--soft);stroke-width:1}
        .grid{stroke:var(--grid);stroke-width:1}.zero{stroke:var(--soft);stroke-width:1;opacity:.55}
        .stripe{fill:var(--stripe)}.stripe.other{fill:var(--other)}
        path.interval{fill:var(--band);stroke:var(--accent);stroke-opacity:.35;stroke-width:.75}
        path.estimate{fill:none;stroke:var(--accent);stroke-width:2;stroke-linejoin:round}
        line.margin{stroke:var(--bad);stroke-width:1.5;stroke-dasharray:6 4}
        line.assigned{stroke:var(--soft);stroke-width:1.5;stroke-dasharray:2 3}
        circle{fill:var(--accent);stroke:var(--card);stroke-width:1.5}
        circle.good{fill:var(--good)}circle.bad{fill:var(--bad)}circle.doubtful{fill:var(--doubt)}
        path.exposed{fill:var(--band)}path.share{fill:none;stroke:var(--accent);stroke-width:2}
        svg .turnword{font-size:11.5px;font-weight:600;fill:var(--ink)}
        svg .turnword.good{fill:var(--good)}svg .turnword.bad{fill:var(--bad)}svg .turnword.doubtful{fill:var(--doubt)}
        .table{overflow-x:auto;background:var(--card);border:1px solid var(--line);border-radius:10px;margin:0 0 14px}
        table{border-collapse:collapse;width:100%;font-size:13.5px}
        th,td{text-align:left;vertical-align:top;padding:8px 14px;border-top:1px solid var(--line);font-variant-numeric:tabular-nums}
        thead th{border-top:0;color:var(--soft);font-weight:600;font-size:12.5px;white-space:nowrap}
        td:first-child{white-space:nowrap}
        .current{font-weight:600;color:var(--accent)}
        .digests,code{font:12.5px/1.5 ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;overflow-wrap:anywhere}
        .detail div+div{color:var(--soft)}
        details{margin:0 0 14px}summary{cursor:pointer;color:var(--soft);font-size:13.5px;margin-bottom:8px}
        footer{margin-top:48px;padding-top:16px;border-top:1px solid var(--line);color:var(--soft);font-size:13px}
        footer p{max-width:none}
        @media print{@page{margin:14mm}body{font-size:11px;background:#fff}main{padding:0;max-width:none}h1{font-size:24px}h2{font-size:15px;margin:22px 0 8px;break-after:avoid}\
        figure,.tile,tr{break-inside:avoid}.plots{grid-template-columns:1fr 1fr}.table{overflow:visible}th,td{padding:4px 8px}table{font-size:10px}details>*{display:block}}
        """
}
