// Writes down how the browser has laid out each frame of this page. Lengths are of the frame, times its zoom of one.
const numbers = ["x", "y", "width", "height"];
const box = (element) => Object.fromEntries(numbers.map((n) => [n, element.getBoundingClientRect()[n]]));

function shape(element, view) {
    const style = view.getComputedStyle(element);
    // What is behind is all that stands before it, so a group's opacity counts for what is in it.
    let opacity = 1;
    for (let up = element; up instanceof view.SVGElement; up = up.parentNode) {
        opacity *= Number(view.getComputedStyle(up).opacity);
    }
    const { fill, stroke } = style;
    return {
        tag: element.localName,
        classes: [...element.classList],
        box: box(element),
        fill,
        fill_opacity: Number(style.fillOpacity) * opacity,
        stroke,
        stroke_opacity: Number(style.strokeOpacity) * opacity,
        said: element.localName === "text" ? element.textContent : "",
    };
}

function frame(iframe) {
    const { contentWindow: view, contentDocument: inner } = iframe;
    const style = view.getComputedStyle(inner.body);
    return {
        name: iframe.title,
        dark: view.matchMedia("(prefers-color-scheme: dark)").matches,
        width: view.innerWidth,
        scroll_width: inner.documentElement.scrollWidth,
        background: style.backgroundColor,
        lines: [...inner.querySelectorAll("h1, h2, p")].map((line) => ({
            said: line.textContent,
            red: line.classList.contains("red"),
            colour: view.getComputedStyle(line).color,
            box: box(line),
        })),
        pictures: [...inner.querySelectorAll("svg")].map((svg) => ({
            box: box(svg),
            shapes: [...svg.querySelectorAll("rect, path, text")].map((element) => shape(element, view)),
        })),
    };
}

window.onload = () => {
    const images = [...document.images].map((image) => ({
        name: image.alt,
        width: image.complete ? image.naturalWidth : 0,
    }));
    const frames = [...document.querySelectorAll("iframe")].map(frame);
    const seen = JSON.stringify({ images, frames });
    document.getElementById("seen").textContent = seen.replaceAll("<", "\\u003c");
};
