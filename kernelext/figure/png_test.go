package figure

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"testing"
)

// TestEncodePNG has image/png read what it could have written.
func TestEncodePNG(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, size := range []image.Point{{1, 1}, {7, 1}, {1, 9}, {64, 48}, {300, 500}} {
		want := image.NewRGBA(image.Rectangle{Max: size})
		for y := range size.Y {
			for x := range size.X {
				c := color.RGBA{A: 255} // whole rows are alike
				if y%3 != 0 {
					c = color.RGBA{uint8(x), uint8(y / 3), uint8(rng.Uint32() >> (24 + y%3*8)), 255}
				}
				want.SetRGBA(x, y, c)
			}
		}
		b, err := encodePNG(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := png.Decode(bytes.NewReader(b))
		if err != nil {
			t.Fatalf("%v: %v", size, err)
		}
		if got.Bounds() != want.Bounds() {
			t.Fatalf("%v: read as %v", size, got.Bounds())
		}
		for y := range size.Y {
			for x := range size.X {
				if g, w := color.RGBAModel.Convert(got.At(x, y)), want.RGBAAt(x, y); g != w {
					t.Fatalf("%v: pixel %d,%d is %v, want %v", size, x, y, g, w)
				}
			}
		}
	}
}
