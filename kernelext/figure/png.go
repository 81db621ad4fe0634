package figure

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"image"
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgimg"
)

const dotsPerInch = 300 // of a PNG

// png returns the scene as PNG that says how large it is on paper.
func (s *scene) png() ([]byte, error) {
	c := vgimg.NewWith(vgimg.UseWH(vg.Points(s.width), vg.Points(s.height)), vgimg.UseDPI(dotsPerInch))
	s.paint(vector{c, s.height})
	return encodePNG(c.Image().(*image.RGBA))
}

// encodePNG encodes an opaque image. image/png tries every filter on every row,
// which in a sealed module takes several times as long as all else: a figure
// has much that is as it is one row above, so that is its filter.
func encodePNG(img *image.RGBA) ([]byte, error) {
	const (
		rgb = 2 // a colour type
		up  = 2 // a filter: the difference from the pixel above
	)
	size := img.Bounds().Size()
	out := []byte("\x89PNG\r\n\x1a\n")
	head := binary.BigEndian.AppendUint32(nil, uint32(size.X))
	head = binary.BigEndian.AppendUint32(head, uint32(size.Y))
	out = chunk(out, "IHDR", append(head, 8, rgb, 0, 0, 0)) // bits a sample
	perMetre := uint32(math.Round(dotsPerInch / 0.0254))
	scale := binary.BigEndian.AppendUint32(nil, perMetre)
	scale = binary.BigEndian.AppendUint32(scale, perMetre)
	out = chunk(out, "pHYs", append(scale, 1)) // the unit is the metre

	var data bytes.Buffer
	z, err := zlib.NewWriterLevel(&data, zlib.BestSpeed)
	if err != nil {
		return nil, err
	}
	row, same := make([]byte, 1+3*size.X), make([]byte, 1+3*size.X)
	row[0], same[0] = up, up
	above := make([]byte, 4*size.X)
	for y := range size.Y {
		pixels := img.Pix[y*img.Stride:][:4*size.X]
		line := same
		if !bytes.Equal(pixels, above) {
			line = row
			difference(row[1:], pixels, above)
		}
		if _, err := z.Write(line); err != nil {
			return nil, err
		}
		above = pixels
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return chunk(chunk(out, "IDAT", data.Bytes()), "IEND", nil), nil
}

// difference sets each three bytes of row to those of a pixel less those above.
func difference(row, pixels, above []byte) {
	above = above[:len(pixels)]
	for from, to := 0, 0; from+3 < len(pixels) && to+2 < len(row); from, to = from+4, to+3 {
		row[to] = pixels[from] - above[from]
		row[to+1] = pixels[from+1] - above[from+1]
		row[to+2] = pixels[from+2] - above[from+2]
	}
}

// chunk appends a chunk of a PNG.
func chunk(out []byte, name string, data []byte) []byte {
	out = binary.BigEndian.AppendUint32(out, uint32(len(data)))
	begin := len(out)
	out = append(append(out, name...), data...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[begin:]))
}
